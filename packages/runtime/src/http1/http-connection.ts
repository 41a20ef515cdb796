import net from 'node:net';
import tls from 'node:tls';
import { type Answer, AnswerParser } from './answer-parser.ts';

/** One request and who waits for its answer: exactly one of `answered` and `failed` is called, once. */
export interface HttpCall {
  /** Head and body as they go onto the wire, in one piece: one system call sends them. */
  readonly bytes: Buffer;
  /** It goes onto the wire, over this connection. */
  sentOver(connection: HttpConnection): void;
  answered(answer: Answer): void;
  failed(error: Error): void;
}

/** Where connections go. */
export interface Endpoint {
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
}

/** What a connection tells the pool it belongs to. */
export interface ConnectionOwner {
  connected(connection: HttpConnection): void;
  /** The answer is complete and the connection can take another call. `keepAliveMs`: for how long the other side keeps it, if it said so. */
  idle(connection: HttpConnection, keepAliveMs: number | undefined): void;
  /** The connection is gone. `error`: why, when it had never been connected. */
  closed(connection: HttpConnection, error: Error | undefined): void;
}

/** All connections read into this in turn: what comes is parsed at once, and of what is kept a copy is made. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** One connection to an origin, with one call at a time. */
export class HttpConnection {
  /** The owner's: until when an idle connection is used again. */
  idleUntilMs = 0;
  readonly #owner: ConnectionOwner;
  readonly #socket: net.Socket;
  readonly #parser = new AnswerParser();
  readonly #connectDeadline: NodeJS.Timeout;
  #call: HttpCall | undefined;
  #isConnected = false;
  #error: Error | undefined;

  constructor(endpoint: Endpoint, owner: ConnectionOwner, connectTimeoutMs: number, tlsOptions: tls.ConnectionOptions) {
    this.#owner = owner;
    this.#socket = endpoint.isSecure ? this.#openTls(endpoint, tlsOptions) : this.#openPlain(endpoint);
    this.#connectDeadline = setTimeout(
      () => this.destroy(new Error(`not connected within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    this.#socket.setNoDelay(true);
    this.#socket.once(endpoint.isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(this.#connectDeadline);
      this.#isConnected = true;
      owner.connected(this);
    });
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.once('close', () => this.#closed());
  }

  /** False as soon as the other side has ended it, or it is to be closed: its end is told only later in the turn. */
  get isUsable(): boolean {
    return this.#socket.readable && this.#socket.writable;
  }

  /** Sends a call; there must be none under way. */
  send(call: HttpCall): void {
    this.#call = call;
    this.#parser.reset();
    call.sentOver(this);
    this.#socket.write(call.bytes);
  }

  /** Ends the connection; a call under way fails with `reason`. */
  destroy(reason?: Error): void {
    this.#socket.destroy(reason);
  }

  /** Read without a stream in between: an answer is one call of one function. */
  #openPlain({ host, port }: Endpoint): net.Socket {
    const callback = (length: number): boolean => {
      this.#read(READ_BUFFER.subarray(0, length));
      return true;
    };
    return net.connect({ host, port, onread: { buffer: READ_BUFFER, callback } });
  }

  #openTls({ host, port }: Endpoint, options: tls.ConnectionOptions): net.Socket {
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = tls.connect({ ...servername, ...options, host, port });
    return socket.on('data', (piece: Buffer) => this.#read(piece));
  }

  #read(piece: Buffer): void {
    // What still comes after `destroy` is nobody's.
    if (this.#socket.destroyed) return;
    if (this.#call === undefined) return this.destroy(new Error('an answer came that no request had asked for'));
    try {
      this.#parser.push(piece);
    } catch (error) {
      return this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#parser.isComplete) this.#answered(this.#call);
  }

  #answered(call: HttpCall): void {
    const { answer, isReusable, keepAliveMs } = this.#parser;
    this.#call = undefined;
    // Answered while the request was still being sent: the rest of it would be taken for the next one.
    if (!isReusable || this.#socket.writableLength > 0) this.destroy();
    else this.#owner.idle(this, keepAliveMs);
    call.answered(answer);
  }

  #closed(): void {
    clearTimeout(this.#connectDeadline);
    const call = this.#call;
    this.#call = undefined;
    this.#owner.closed(this, this.#isConnected ? undefined : (this.#error ?? new Error('not connected')));
    if (call === undefined) return;
    if (this.#error === undefined && this.#parser.end()) call.answered(this.#parser.answer);
    else call.failed(this.#error ?? new Error('the connection was closed before the answer was complete'));
  }
}
