import type { ConnectionOptions } from 'node:tls';
import { type HttpResponse, ResponseParser } from './response-parser.ts';
import type { Expiring } from '../event-loop/time-out-in-turns.ts';
import { dial } from './dial.ts';
import type { Endpoint, HttpEnvironment, HttpSocket, Timeout } from './environment.ts';

/**
 * A request and the receiver of its response: exactly one of `responded` and `failed` is called,
 * once.
 */
export interface HttpCall {
  /** Head and body in wire form, in one piece, so that one system call sends them. */
  readonly bytes: Buffer;
  /**
   * The call is being sent over this connection; undefined: that connection is lost, and the call
   * waits for another one.
   */
  sentOver(connection: Destroyable | undefined): void;
  responded(response: HttpResponse): void;
  failed(error: Error): void;
}

/** Ends a call in flight. */
export interface Destroyable {
  destroy(reason?: Error): void;
}

export interface ConnectionSettings {
  /** Covers name resolution, all addresses and the TLS handshake. */
  readonly connectTimeoutMs: number;
  readonly tls: ConnectionOptions;
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  /** Why no connection to an address may be opened; undefined if it may. */
  readonly faultOf?: ((address: string) => string | undefined) | undefined;
}

/** Notifications from a connection to its pool. */
export interface ConnectionOwner {
  connected(connection: HttpConnection): void;
  /**
   * The response is complete. `keepAliveMs`: how long the other side keeps the connection, if it
   * stated it.
   */
  responded(connection: HttpConnection, keepAliveMs: number | undefined): void;
  /** The connection has closed. `error`: the reason, if it was never connected. */
  closed(connection: HttpConnection, error: Error | undefined): void;
  /**
   * The connection was lost before any byte of the response: the call is to be sent once more, over
   * a new one.
   */
  lost(call: HttpCall): void;
}

/** The status that servers send when they close a connection because it was idle for too long. */
const REQUEST_TIMEOUT = 408;

/**
 * One connection to an origin, with one call at a time.
 *
 * A server may close an idle connection while a request over it is in flight. A call lost this way
 * is returned to the owner (`lost`), which sends it over a new connection. Calls of branches may be
 * repeated. A new connection is lost only by a fault, so a call is returned at most once.
 */
export class HttpConnection implements Expiring {
  /** Set by the owner: until when an idle connection may be used again. */
  idleUntilMs = 0;
  /** Set by the owner: the turn from which on the connection may be used again. */
  restsUntilTurn = 0;
  readonly #owner: ConnectionOwner;
  readonly #settings: ConnectionSettings;
  readonly #parser = new ResponseParser();
  readonly #environment: HttpEnvironment;
  readonly #isSecure: boolean;
  readonly #connectDeadline: Timeout;
  readonly #cancelDial: () => void;
  /** Undefined until the connection is established. */
  #socket: HttpSocket | undefined;
  #call: HttpCall | undefined;
  /** Number of calls sent over it. */
  #calls = 0;
  /** Over TLS: a request was written in this turn of the event loop. */
  #isJustWritten = false;
  #isDestroyed = false;
  #isConnecting = true;
  /** The call in progress must be repeated: the bytes received are not its response. */
  #isCallLost = false;
  #error: Error | undefined;

  constructor(endpoint: Endpoint, owner: ConnectionOwner, settings: ConnectionSettings, environment: HttpEnvironment) {
    const { clock, dialer } = environment;
    this.#environment = environment;
    this.#owner = owner;
    this.#settings = settings;
    this.#isSecure = endpoint.isSecure;
    const { connectTimeoutMs, lookUp, faultOf, tls } = settings;
    const received = (piece: Buffer): void => this.#read(piece);
    this.#connectDeadline = clock.startTimeout(connectTimeoutMs, this);
    this.#cancelDial = dial({
      clock,
      host: endpoint.host,
      lookUp,
      faultOf,
      open: (address) => dialer.open(endpoint, address, tls, received),
      readyEvent: endpoint.isSecure ? 'secureConnect' : 'connect',
      connected: (socket) => this.#connected(socket),
      failed: (error) => {
        this.#error = error;
        this.#closed();
      },
    });
  }

  /**
   * False as soon as the other side has ended the connection, or it is being closed; the event for
   * this comes only later in the turn. Also false if a response came before its request was sent:
   * the rest of the request would be read as the next one.
   */
  get isUsable(): boolean {
    return this.#socket !== undefined && this.#socket.readable && this.#socket.writable && !this.#isSending;
  }

  /** Sends a call; the connection must be established and without a call in progress. */
  send(call: HttpCall): void {
    this.#call = call;
    this.#calls++;
    this.#parser.reset();
    call.sentOver(this);
    this.#socket?.write(call.bytes);
    if (!this.#isSecure) return;
    this.#isJustWritten = true;
    this.#environment.clock.endOfTurn(this.#turnEnded);
  }

  readonly #turnEnded = (): void => {
    this.#isJustWritten = false;
  };

  /** Ends a connection attempt that took too long. */
  timeOut(): void {
    if (this.#isConnecting) this.destroy(new Error(`not connected within ${this.#settings.connectTimeoutMs} ms`));
  }

  /** Closes the connection; a call in progress fails with `reason`. */
  destroy(reason?: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#error = reason;
    // Without the reason: Node would format its stack, and a hundred connections to a host that
    // hangs end at once.
    if (this.#socket !== undefined) return void this.#socket.destroy();
    this.#cancelDial();
    process.nextTick(() => this.#closed());
  }

  #connected(socket: HttpSocket): void {
    this.#endConnecting();
    this.#socket = socket;
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.once('close', () => this.#closed());
    this.#owner.connected(this);
  }

  #read(piece: Buffer): void {
    // Bytes that arrive after `destroy` are ignored.
    if (this.#isDestroyed) return;
    const call = this.#call;
    if (call === undefined) return this.destroy(new Error('a response came without a request'));
    // Bytes before the request was sent are more likely a superfluous response than an early one.
    if (this.#isReused && !this.#parser.hasBegun && this.#isSending) return this.#giveBack();
    try {
      this.#parser.push(piece);
    } catch (error) {
      return this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#parser.isComplete) this.#responded(call);
  }

  #responded(call: HttpCall): void {
    const { response, isReusable, keepAliveMs } = this.#parser;
    if (this.#isReused && response.status === REQUEST_TIMEOUT) return this.#giveBack();
    this.#call = undefined;
    // If the response came while the request was still being sent, the rest of the request would be
    // read as the next one.
    if (!isReusable || this.#isSending) this.destroy();
    else this.#owner.responded(this, keepAliveMs);
    call.responded(response);
  }

  get #isReused(): boolean {
    return this.#calls > 1;
  }

  /**
   * A TLS socket reports only at the end of the turn what the network took at once. The response
   * may be read before that.
   */
  get #isSending(): boolean {
    return !this.#isJustWritten && this.#socket !== undefined && this.#socket.writableLength > 0;
  }

  #giveBack(): void {
    this.#isCallLost = true;
    this.destroy();
  }

  #endConnecting(): void {
    this.#isConnecting = false;
    this.#environment.clock.cancelTimeout(this.#connectDeadline);
  }

  #closed(): void {
    this.#endConnecting();
    const call = this.#call;
    this.#call = undefined;
    const wasConnected = this.#socket !== undefined;
    // Before the owner opens connections for waiting calls: this call takes precedence.
    const isLost = this.#isCallLost || (this.#isReused && !this.#isDestroyed && !this.#parser.hasBegun);
    if (call !== undefined && isLost) {
      call.sentOver(undefined);
      this.#owner.lost(call);
    }
    this.#owner.closed(this, wasConnected ? undefined : (this.#error ?? new Error('not connected')));
    if (call === undefined || isLost) return;
    if (this.#error === undefined && this.#parser.end()) call.responded(this.#parser.response);
    else call.failed(this.#error ?? new Error('the connection was closed before the response was complete'));
  }
}
