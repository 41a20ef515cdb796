import net from 'node:net';
import tls from 'node:tls';
import { type Answer, AnswerParser } from './answer-parser.ts';
import { type Expiring, timeOutInTurns } from '../time-out-in-turns.ts';
import { dial } from './dial.ts';

/** One request and who waits for its answer: exactly one of `answered` and `failed` is called, once. */
export interface HttpCall {
  /** Head and body as they go onto the wire, in one piece: one system call sends them. */
  readonly bytes: Buffer;
  /** It goes onto the wire, over this connection; undefined: that connection is lost, and it waits for another one. */
  sentOver(connection: Destroyable | undefined): void;
  answered(answer: Answer): void;
  failed(error: Error): void;
}

/** What ends a call that is on its way. */
export interface Destroyable {
  destroy(reason?: Error): void;
}

/** Where connections go. */
export interface Endpoint {
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
}

export interface ConnectionSettings {
  /** For the whole: looking the name up, all addresses, the handshake of TLS. */
  readonly connectTimeoutMs: number;
  readonly tls: tls.ConnectionOptions;
  readonly lookUp: (name: string) => Promise<readonly string[]>;
}

/** What a connection tells the pool it belongs to. */
export interface ConnectionOwner {
  connected(connection: HttpConnection): void;
  /** The answer is complete. `keepAliveMs`: for how long the other side keeps the connection, if it said so. */
  answered(connection: HttpConnection, keepAliveMs: number | undefined): void;
  /** The connection is gone. `error`: why, when it had never been connected. */
  closed(connection: HttpConnection, error: Error | undefined): void;
  /** The connection was lost before it carried any of the call's answer: the call is to be sent once more, over a new one. */
  lost(call: HttpCall): void;
}

/** All connections read into this in turn: what comes is parsed at once, and of what is kept a copy is made. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** What servers send when they end a connection that has been idle for too long for them. */
const REQUEST_TIMEOUT = 408;

/**
 * One connection to an origin, with one call at a time.
 *
 * A call over a connection that was used before may meet its end: the other side closes it while the request is in flight. Such a call is given back to the
 * owner (`lost`), which sends it over a new connection. Calls of branches may be repeated, and a new connection is lost to nothing but a fault, so a call
 * is given back once at the most.
 */
export class HttpConnection implements Expiring {
  /** The owner's: until when an idle connection is used again. */
  idleUntilMs = 0;
  /** The owner's: the count of turns from which on it is used again. */
  restsUntilTurn = 0;
  readonly #owner: ConnectionOwner;
  readonly #settings: ConnectionSettings;
  readonly #parser = new AnswerParser();
  readonly #connectDeadline: NodeJS.Timeout;
  readonly #cancelDial: () => void;
  /** Undefined until it is connected. */
  #socket: net.Socket | undefined;
  #call: HttpCall | undefined;
  /** Calls sent over it. */
  #calls = 0;
  #isDestroyed = false;
  #isConnecting = true;
  /** The call in progress is to be given back: what came over the connection is not its answer. */
  #isCallLost = false;
  #error: Error | undefined;

  constructor(endpoint: Endpoint, owner: ConnectionOwner, settings: ConnectionSettings) {
    this.#owner = owner;
    this.#settings = settings;
    const { connectTimeoutMs, lookUp } = settings;
    this.#connectDeadline = setTimeout(timeOutInTurns, connectTimeoutMs, this);
    this.#cancelDial = dial({
      host: endpoint.host,
      lookUp,
      open: (address) => (endpoint.isSecure ? this.#openTls(endpoint, address) : this.#openPlain(endpoint, address)),
      readyEvent: endpoint.isSecure ? 'secureConnect' : 'connect',
      connected: (socket) => this.#connected(socket),
      failed: (error) => {
        this.#error = error;
        this.#closed();
      },
    });
  }

  /** False as soon as the other side has ended it, or it is to be closed: its end is told only later in the turn. */
  get isUsable(): boolean {
    return this.#socket !== undefined && this.#socket.readable && this.#socket.writable;
  }

  /** Sends a call; it must be connected, and there must be no call in progress. */
  send(call: HttpCall): void {
    this.#call = call;
    this.#calls++;
    this.#parser.reset();
    call.sentOver(this);
    this.#socket?.write(call.bytes);
  }

  /** Gives up connecting. */
  timeOut(): void {
    if (this.#isConnecting) this.destroy(new Error(`not connected within ${this.#settings.connectTimeoutMs} ms`));
  }

  /** Ends the connection; a call under way fails with `reason`. */
  destroy(reason?: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#error = reason;
    // Without the reason: Node would format its stack, and of a host that hangs a hundred
    // connections end at once.
    if (this.#socket !== undefined) return void this.#socket.destroy();
    this.#cancelDial();
    process.nextTick(() => this.#closed());
  }

  #connected(socket: net.Socket): void {
    this.#endConnecting();
    this.#socket = socket;
    socket.setNoDelay(true);
    socket
      .on('error', (error) => {
        this.#error = error;
      })
      .once('close', () => this.#closed());
    this.#owner.connected(this);
  }

  /** Read without a stream in between: an answer is one call of one function. */
  #openPlain({ port }: Endpoint, address: string): net.Socket {
    const callback = (length: number): boolean => {
      this.#read(READ_BUFFER.subarray(0, length));
      return true;
    };
    return net.connect({ host: address, port, onread: { buffer: READ_BUFFER, callback } });
  }

  #openTls({ host, port }: Endpoint, address: string): net.Socket {
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = tls.connect({ ...servername, ...this.#settings.tls, host: address, port });
    return socket.on('data', (piece: Buffer) => this.#read(piece));
  }

  #read(piece: Buffer): void {
    // What still comes after `destroy` is nobody's.
    if (this.#isDestroyed) return;
    const call = this.#call;
    if (call === undefined) return this.destroy(new Error('an answer came that no request had asked for'));
    // Bytes that come before the request has left are more likely those of an answer too many than an early answer.
    if (this.#isReused && !this.#parser.hasBegun && this.#isSending) return this.#giveBack();
    try {
      this.#parser.push(piece);
    } catch (error) {
      return this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#parser.isComplete) this.#answered(call);
  }

  #answered(call: HttpCall): void {
    const { answer, isReusable, keepAliveMs } = this.#parser;
    if (this.#isReused && answer.status === REQUEST_TIMEOUT) return this.#giveBack();
    this.#call = undefined;
    // Answered while the request was still being sent: the rest of it would be taken for the next one.
    if (!isReusable || this.#isSending) this.destroy();
    else this.#owner.answered(this, keepAliveMs);
    call.answered(answer);
  }

  get #isReused(): boolean {
    return this.#calls > 1;
  }

  get #isSending(): boolean {
    return this.#socket !== undefined && this.#socket.writableLength > 0;
  }

  #giveBack(): void {
    this.#isCallLost = true;
    this.destroy();
  }

  #endConnecting(): void {
    this.#isConnecting = false;
    clearTimeout(this.#connectDeadline);
  }

  #closed(): void {
    this.#endConnecting();
    const call = this.#call;
    this.#call = undefined;
    const wasConnected = this.#socket !== undefined;
    // Before the owner opens connections for calls that wait: this one needs a new one most.
    const isLost = this.#isCallLost || (this.#isReused && !this.#isDestroyed && !this.#parser.hasBegun);
    if (call !== undefined && isLost) {
      call.sentOver(undefined);
      this.#owner.lost(call);
    }
    this.#owner.closed(this, wasConnected ? undefined : (this.#error ?? new Error('not connected')));
    if (call === undefined || isLost) return;
    if (this.#error === undefined && this.#parser.end()) call.answered(this.#parser.answer);
    else call.failed(this.#error ?? new Error('the connection was closed before the answer was complete'));
  }
}
