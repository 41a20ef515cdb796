import net from 'node:net';
import tls from 'node:tls';
import { type ConnectionOwner, HTTP2_CODE, Http2Connection, HTTP2_LIMITS, type StreamReceiver } from '@holdfast/http2';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';
import type { HttpClock, Timeout } from '../http1/environment.ts';
import { tlsOptionsFor, type TlsSource } from '../tls/tls-source.ts';
import { dial } from '../http1/dial.ts';
import type { ConnectGuard } from '../targets/branch-targets.ts';
import type { CallCarrier, GrpcExchange } from './grpc-exchange.ts';
import type { GrpcEndpoint } from './resolver.ts';

export interface SessionSettings {
  readonly clock: HttpClock;
  readonly connectTimeoutMs: number;
  readonly isSecure: boolean;
  readonly tls: TlsSource;
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  readonly guard?: ConnectGuard | undefined;
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

/** One HTTP/2 connection to a server, for any number of calls. */
export class GrpcSession implements CallCarrier, ConnectionOwner, Expiring {
  /** When the last call was sent. */
  lastUsedMs: number;
  readonly endpoint: GrpcEndpoint;
  readonly #settings: SessionSettings;
  readonly #owner: SessionOwner;
  readonly #connectDeadline: Timeout;
  readonly #cancelDial: () => void;
  #waiting: GrpcExchange[] = [];
  #http2: Http2Connection | undefined;
  #socket: net.Socket | undefined;
  #ping: Timeout | undefined;
  /** Pings since the last response. */
  #pings = 0;
  #isClosed = false;
  #isLeaving = false;
  #sent = 0;
  #endedBy: Error | undefined;
  readonly #flush = (): void => this.#write();

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
      faultOf: this.#faultOfAddress(),
      open: (address) => this.#open(address),
      readyEvent: isSecure ? 'secureConnect' : 'connect',
      connected: (socket) => this.#connected(socket),
      failed: (error) => this.#close(error),
    });
  }

  get endedBy(): Error | undefined {
    return this.#endedBy;
  }

  /** Whether it may take another call. */
  get isOpen(): boolean {
    return this.#http2 === undefined ? !this.#isClosed : !this.#http2.isExhausted;
  }

  /** Calls wait while the connection is established, and while the server permits no more. */
  send(call: GrpcExchange): void {
    this.lastUsedMs = this.#settings.clock.monotonicMs();
    if (this.#http2?.canRequest === true) this.#sendOver(this.#http2, call);
    else if (this.#http2?.isExhausted === true) call.move(this.#endedBy);
    else this.#waiting.push(call);
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

  suspect(): void {
    const http2 = this.#http2;
    if (http2 === undefined || http2.isOver || this.#ping !== undefined) return;
    if (this.#pings === MAX_PINGS) return this.#retire();
    this.#pings++;
    const { clock } = this.#settings;
    const timeOut = (): void => this.destroy(new Error(`no response to a ping within ${PING_TIMEOUT_MS} ms`));
    this.#ping = clock.startTimeout(PING_TIMEOUT_MS, { timeOut });
    http2.ping();
  }

  /** The connection was not established in time. */
  timeOut(): void {
    if (this.#http2 !== undefined || this.#isClosed) return;
    this.#cancelDial();
    this.#close(new Error(`not connected within ${this.#settings.connectTimeoutMs} ms`));
  }

  /** Closes the connection; its calls fail with `reason`. */
  destroy(reason: Error): void {
    for (const call of this.#waiting.splice(0)) call.failed(reason);
    if (this.#http2 !== undefined) {
      this.#endedBy ??= reason;
      this.#http2.close(HTTP2_CODE.noError, '');
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
    if (this.#http2 === undefined) return;
    if (this.#http2.isOver) this.#socket?.destroy();
    else this.#http2.leaveNow();
    this.#sendElsewhere();
  }

  /** Frames of one turn of the event loop become one write. */
  wantsOutput(): void {
    setImmediate(this.#flush);
  }

  opened(): StreamReceiver {
    throw new Error('a server cannot open a stream');
  }

  hasRoom(): void {
    while (this.#http2?.canRequest === true) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#sendOver(this.#http2, call);
    }
  }

  leaving(): void {
    this.#owner.leaving(this);
    this.#sendElsewhere();
  }

  ponged(): void {
    this.#endPing();
  }

  over(error: Error | undefined): void {
    this.#endedBy ??= error;
    this.#owner.leaving(this);
    this.#sendElsewhere();
    // Also without output, to end the socket.
    setImmediate(this.#flush);
  }

  #faultOfAddress(): ((address: string) => string | undefined) | undefined {
    const { guard, isSecure } = this.#settings;
    if (guard === undefined) return undefined;
    const { host, name = host, port } = this.endpoint;
    const endpoint = { scheme: isSecure ? 'grpcs' : 'grpc', host: name, port } as const;
    return (address) => guard(endpoint, address);
  }

  #open(address: string): net.Socket {
    const { isSecure, tls: source } = this.#settings;
    const { host, port } = this.endpoint;
    if (!isSecure) return net.connect({ host: address, port, noDelay: true });
    return tls.connect({ ...tlsOptionsFor(host, source), host: address, port, ALPNProtocols: ['h2'] }).setNoDelay(true);
  }

  #connected(socket: net.Socket): void {
    const { clock } = this.#settings;
    clock.cancelTimeout(this.#connectDeadline);
    const http2 = new Http2Connection('client', this, clock.monotonicMs(), HTTP2_LIMITS);
    this.#http2 = http2;
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => http2.receive(piece, clock.monotonicMs()));
    socket.on('drain', () => http2.congested(false));
    socket.on('error', (error: Error) => {
      this.#endedBy ??= error;
    });
    socket.once('end', () => http2.disconnected());
    socket.once('close', () => {
      http2.disconnected();
      this.#close(undefined);
    });
    this.hasRoom();
    if (this.#isLeaving) this.leave();
  }

  #sendOver(http2: Http2Connection, call: GrpcExchange): void {
    if (!call.isDone) call.sendOver(http2, this, this.#sent++ > 0);
    if (http2.isExhausted) this.#retire();
  }

  /** The calls that this connection cannot take any more. */
  #sendElsewhere(): void {
    for (const call of this.#waiting.splice(0)) call.move(this.#endedBy);
  }

  #write(): void {
    const socket = this.#socket;
    const http2 = this.#http2;
    if (socket === undefined || http2 === undefined) return;
    const chunks = http2.takeOutput();
    if (!socket.writable) return;
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
    if (socket.writableNeedDrain) http2.congested(true);
    if (http2.isOver) socket.destroySoon();
  }

  /** Takes no more calls; those in progress continue. */
  #retire(): void {
    this.#owner.leaving(this);
    this.leave();
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
