import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call of a branch. */
export interface Call {
  readonly path: string;
  readonly gid: string;
  readonly branchId: string;
  readonly op: string;
  /** The trace context of the call; empty if the coordinator sent none. */
  readonly traceparent: string;
}

/** A participant on a separate port. It records each call, and succeeds by default. */
export class Participant {
  readonly calls: Call[] = [];
  readonly #server: Server;
  readonly #statuses = new Map<string, number>();
  readonly #held = new Map<string, (() => void)[]>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => this.#serve(request, response));
  }

  static async start(): Promise<Participant> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Participant(server);
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Sets the HTTP status of all further responses for a path. */
  respond(path: string, status: number): void {
    this.#statuses.set(path, status);
  }

  /** Delays the responses to calls of a path until they are released. */
  hold(path: string): void {
    this.#held.set(path, []);
  }

  release(path: string): void {
    const waiting = this.#held.get(path) ?? [];
    this.#held.delete(path);
    for (const respond of waiting) respond();
  }

  /** The calls received for one transaction, such as `01 action`. */
  of(gid: string): readonly string[] {
    return this.calls.filter((call) => call.gid === gid).map(({ branchId, op }) => `${branchId} ${op}`);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://participant');
    const [gid, branchId, op] = ['gid', 'branch_id', 'op'].map((name) => searchParams.get(name) ?? '');
    const traceparent = String(request.headers.traceparent ?? '');
    this.calls.push({ path: pathname, gid: gid ?? '', branchId: branchId ?? '', op: op ?? '', traceparent });
    const respond = (): void => {
      response.writeHead(this.#statuses.get(pathname) ?? 200).end('{"dtm_result":"SUCCESS"}');
    };
    const held = this.#held.get(pathname);
    if (held === undefined) respond();
    else held.push(respond);
  }
}
