import http2, { type ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';
import type { HttpClock, Timeout } from '../http1/environment.ts';
import { dial } from '../http1/dial.ts';
import type { CallCarrier, GrpcExchange } from './grpc-exchange.ts';
import type { GrpcEndpoint } from './resolver.ts';

export interface SessionSettings {
  readonly clock: HttpClock;
  readonly connectTimeoutMs: number;
  readonly isSecure: boolean;
  readonly tls: ConnectionOptions;
  readonly lookUp: (name: string) => Promise<readonly string[]>;
}

/** Notifications from a connection to its channel. */
export interface SessionOwner {
  /** It takes no more calls; those in progress may continue. */
  leaving(session: GrpcSession): void;
  /** It has closed. `error`: the reason, if it was never connected. */
  closed(session: GrpcSession, error: Error | undefined): void;
}

/** How long a server may take to acknowledge a ping. */
const PING_TIMEOUT_MS = 5_000;
/**
 * Pings that are sent without a response in between. gRPC's servers end a connection, with all its
 * calls, at the fourth one (`too_many_pings`).
 */
const MAX_PINGS = 2;
/** Frames that may wait to be sent, in MB: as many calls as may run at once, with long payloads. */
const MAX_SESSION_MEMORY_MB = 512;

/** One HTTP/2 connection to a server, for any number of calls. */
export class GrpcSession implements CallCarrier, Expiring {
  /** When the last call was sent. */
  lastUsedMs: number;
  readonly endpoint: GrpcEndpoint;
  readonly #settings: SessionSettings;
  readonly #owner: SessionOwner;
  readonly #connectDeadline: Timeout;
  readonly #cancelDial: () => void;
  #waiting: GrpcExchange[] = [];
  #session: ClientHttp2Session | undefined;
  #socket: net.Socket | undefined;
  #ping: Timeout | undefined;
  /** Pings since the last response. */
  #pings = 0;
  #isClosed = false;
  #isLeaving = false;
  #sent = 0;

  constructor(endpoint: GrpcEndpoint, owner: SessionOwner, settings: SessionSettings) {
    this.endpoint = endpoint;
    this.#owner = owner;
    this.#settings = settings;
    const { clock, connectTimeoutMs, isSecure, lookUp } = settings;
    this.lastUsedMs = clock.monotonicMs();
    this.#connectDeadline = clock.startTimeout(connectTimeoutMs, this);
    this.#cancelDial = dial({
      clock,
      host: endpoint.host,
      lookUp,
      open: (address) => this.#open(address),
      readyEvent: isSecure ? 'secureConnect' : 'connect',
      connected: (socket) => this.#connected(socket),
      failed: (error) => this.#close(error),
    });
  }

  /** Whether it may take another call. It is closed for a while before its `close` event. */
  get isOpen(): boolean {
    const session = this.#session;
    return session === undefined ? !this.#isClosed : !session.closed && !session.destroyed;
  }

  send(call: GrpcExchange): void {
    this.lastUsedMs = this.#settings.clock.monotonicMs();
    if (this.#session === undefined) this.#waiting.push(call);
    else this.#sendOver(this.#session, call);
  }

  /** Returns whether the call waited for this connection. */
  cancel(call: GrpcExchange): boolean {
    const at = this.#waiting.indexOf(call);
    if (at !== -1) this.#waiting.splice(at, 1);
    return at !== -1;
  }

  responded(): void {
    this.#pings = 0;
  }

  retire(): void {
    this.#owner.leaving(this);
    this.leave();
  }

  suspect(): void {
    const session = this.#session;
    if (session === undefined || session.destroyed || this.#ping !== undefined) return;
    if (this.#pings === MAX_PINGS) return this.retire();
    this.#pings++;
    const { clock } = this.#settings;
    const timeOut = (): void => this.destroy(new Error(`no response to a ping within ${PING_TIMEOUT_MS} ms`));
    this.#ping = clock.startTimeout(PING_TIMEOUT_MS, { timeOut });
    session.ping(() => this.#endPing());
  }

  /** The connection was not established in time. */
  timeOut(): void {
    if (this.#session !== undefined || this.#isClosed) return;
    this.#cancelDial();
    this.#close(new Error(`not connected within ${this.#settings.connectTimeoutMs} ms`));
  }

  /** Closes the connection; its calls fail with `reason`. */
  destroy(reason: Error): void {
    for (const call of this.#waiting.splice(0)) call.failed(reason);
    if (this.#session !== undefined) {
      this.#session.destroy(reason);
      // A session that has ended waits until the server closes the socket.
      this.#socket?.destroy();
      return;
    }
    this.#cancelDial();
    this.#close(reason);
  }

  /**
   * Closes the connection once the calls in progress have ended. Called again, it closes one that
   * was not connected before, and one that the server leaves open.
   */
  leave(): void {
    this.#isLeaving = true;
    if (this.#session?.destroyed === true) this.#socket?.destroy();
    else this.#session?.close();
  }

  #open(address: string): net.Socket {
    const { isSecure, tls: options } = this.#settings;
    const { host, port } = this.endpoint;
    if (!isSecure) return net.connect({ host: address, port, noDelay: true });
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    return tls.connect({ ...servername, ...options, host: address, port, ALPNProtocols: ['h2'] }).setNoDelay(true);
  }

  #connected(socket: net.Socket): void {
    this.#settings.clock.cancelTimeout(this.#connectDeadline);
    const scheme = this.#settings.isSecure ? 'https' : 'http';
    const session = http2.connect(`${scheme}://host`, {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: MAX_SESSION_MEMORY_MB,
    });
    this.#session = session;
    this.#socket = socket;
    session.on('error', () => undefined);
    session.on('goaway', () => this.#owner.leaving(this));
    session.on('close', () => this.#close(undefined));
    for (const call of this.#waiting.splice(0)) this.#sendOver(session, call);
    if (this.#isLeaving) session.close();
  }

  #sendOver(session: ClientHttp2Session, call: GrpcExchange): void {
    if (call.isDone) return;
    const error = call.sendOver(session, this, this.#sent > 0);
    if (error === undefined) {
      this.#sent++;
      return;
    }
    // The connection is closing, or has no stream IDs left: the call is sent over another one.
    this.#owner.leaving(this);
    call.repeat(error);
  }

  #endPing(): void {
    if (this.#ping !== undefined) this.#settings.clock.cancelTimeout(this.#ping);
    this.#ping = undefined;
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settings.clock.cancelTimeout(this.#connectDeadline);
    this.#endPing();
    this.#owner.closed(this, error);
    for (const call of this.#waiting.splice(0)) call.failed(error ?? new Error('the connection was closed'));
  }
}
