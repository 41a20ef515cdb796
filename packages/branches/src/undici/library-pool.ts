import { Client, type Dispatcher, Pool } from 'undici';
import type { BranchConnections, BranchHttpCall } from '../http/branch-connections.ts';
import type { HttpPoolSettings } from '../http1/http-pool.ts';
import { signedHeaders } from '../http1/request-bytes.ts';
import { Names } from '../names/names.ts';
import { systemLookup } from '../names/resolve-name.ts';
import { connectorTo } from './connector.ts';
import { type Carrier, type Ending, LibraryCall } from './library-call.ts';

/**
 * How much earlier than the other side an idle connection is closed, so that no request meets its
 * closing.
 */
const IDLE_MARGIN_MS = 1_000;
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * The connections to one origin by undici, which `--branch-client undici` uses instead of `http1`.
 * undici provides the pool, the connections and the parser. The additional rules for branch calls
 * are in `library-call.ts` (limits) and `connector.ts` (names, connect timeout); repeating a call
 * whose connection was lost is here.
 */
export class LibraryPool implements BranchConnections {
  readonly #origin: string;
  readonly #settings: HttpPoolSettings;
  readonly #names: Names;
  readonly #pool: Pool;
  readonly #calls = new Map<BranchHttpCall, LibraryCall>();
  /** The clients of repeated calls, one per call. */
  readonly #fresh = new Set<Client>();
  #destroyed: Promise<void> | undefined;

  constructor(origin: string, settings: HttpPoolSettings) {
    this.#origin = origin;
    this.#settings = settings;
    this.#names = settings.names ?? new Names({ resolve: systemLookup() });
    this.#pool = new Pool(origin, {
      connections: settings.connections,
      factory: () => this.#newClient(),
    });
  }

  get isDestroyed(): boolean {
    return this.#destroyed !== undefined;
  }

  send(call: BranchHttpCall): void {
    if (this.#destroyed !== undefined) return call.failed(new Error('the connections were closed'));
    this.#dispatch(call, this.#pool, (ending) => {
      if (ending.kind === 'lost') this.#repeat(call);
      else this.#end(call, ending);
    });
  }

  cancel(call: BranchHttpCall): void {
    this.#calls.get(call)?.abandon(new Error('cancelled before it was sent'));
  }

  /** undici closes idle connections on its own. */
  closeIdle(): void {}

  destroy(reason: Error = new Error('the connections were closed')): Promise<void> {
    return (this.#destroyed ??= this.#destroy(reason));
  }

  async #destroy(reason: Error): Promise<void> {
    for (const attempt of this.#calls.values()) attempt.abandon(reason);
    await Promise.all([this.#pool.destroy(reason), ...[...this.#fresh].map((client) => client.destroy(reason))]);
  }

  /** Sends the call once more, over a new connection: the pool's next one may be lost as well. */
  #repeat(call: BranchHttpCall): void {
    if (this.#destroyed !== undefined)
      return this.#end(call, { kind: 'failed', error: new Error('the connections were closed') });
    call.sentOver(undefined);
    const client = this.#newClient();
    this.#fresh.add(client);
    this.#dispatch(call, client, (ending) => {
      this.#fresh.delete(client);
      void client.destroy();
      this.#end(call, ending);
    });
  }

  #dispatch(call: BranchHttpCall, dispatcher: Dispatcher, ended: (ending: Ending) => void): void {
    const attempt = new LibraryCall(call, ended);
    this.#calls.set(call, attempt);
    try {
      dispatcher.dispatch(new LibraryRequest(attempt), attempt);
    } catch (error) {
      attempt.abandon(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(call: BranchHttpCall, ending: Ending): void {
    this.#calls.delete(call);
    if (ending.kind === 'responded') call.responded(ending.response);
    else call.failed(ending.kind === 'failed' ? ending.error : new Error('the connection was closed'));
  }

  #newClient(): Client {
    const { idleMs, maxIdleMs } = this.#settings;
    const carrier: Carrier = { responses: 0, error: undefined };
    const connect = connectorTo(this.#origin, this.#settings, this.#names, (socket) => {
      carrier.responses = 0;
      carrier.error = undefined;
      // Registered before undici's listener.
      socket.on('error', (error) => {
        carrier.error = error;
      });
    });
    return new CountingClient(this.#origin, carrier, {
      connect,
      maxHeaderSize: MAX_HEAD_BYTES,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: maxIdleMs,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      // A call's deadline already bounds its total time.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}

/** A single connection that gives each call the count of its responses. */
class CountingClient extends Client {
  readonly #carrier: Carrier;

  constructor(origin: string, carrier: Carrier, options: Client.Options) {
    super(origin, options);
    this.#carrier = carrier;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    // undici wraps the handlers that it passes on from the pool; the options stay the same object.
    if (options instanceof LibraryRequest) options.attempt.carrier = this.#carrier;
    return super.dispatch(options, handler);
  }
}

/** A request in undici's form, with the attempt that it belongs to. */
class LibraryRequest implements Dispatcher.DispatchOptions {
  readonly attempt: LibraryCall;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: string[];
  readonly body: string | Buffer | null;

  constructor(attempt: LibraryCall) {
    this.attempt = attempt;
    const { request } = attempt.call;
    const { method, path, host, body } = request;
    this.method = method;
    this.path = path;
    this.headers = ['host', host, 'accept-encoding', 'identity'];
    for (const line of signedHeaders(request).split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) this.headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    this.body = typeof body === 'string' || body === null ? body : Buffer.from(body);
  }
}
