import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/**
 * Minimum slice of a body of unknown length: a body of blank lines must not be handed over two
 * bytes at a time.
 */
const BODY_SLICE = 512;

const NO_BYTES = Buffer.alloc(0);

/**
 * A connection as `node:http` sees it: the bytes of a request are handed over only after the
 * previous response was sent. On its own, `node:http` would run all requests of a packet at once,
 * more than a thousand in 64 KiB, and continue to read.
 *
 * Received bytes are handed over in slices. A slice that contains a head ends with its blank line;
 * a body of known length is handed over without the bytes after it. Only a slice in which a chunked
 * body ends may contain complete heads as well, a few of them: these requests wait here. All other
 * bytes wait in the socket.
 */
export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  /** Bytes that were received but not handed over; once it is empty, the socket is read again. */
  #pending: Buffer;
  #hasEnded = false;
  /** The last bytes handed over, since a blank line may begin with them. */
  #tail: Buffer = NO_BYTES;
  /** The request in progress, and functions that start the waiting ones. */
  #request: IncomingMessage | undefined;
  readonly #next: (() => void)[] = [];
  /** Number of body bytes still to come, if the head states the length. */
  #bodyLeft = 0;

  /** @param piece bytes that were already read from the socket */
  constructor(socket: Socket, piece: Buffer) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#pending = piece;
    socket
      .on('data', (more: Buffer) => {
        this.#pending = this.#pending.length === 0 ? more : Buffer.concat([this.#pending, more]);
        this.#handOver();
      })
      .on('end', () => {
        this.#hasEnded = true;
        this.#handOver();
      })
      .on('timeout', () => this.emit('timeout'))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy());
  }

  /** Runs a request as soon as the previous response was sent. */
  enter(request: IncomingMessage, response: ServerResponse, run: () => void): void {
    const start = (): void => {
      this.#request = request;
      response.once('close', () => {
        this.#request = undefined;
        this.#next.shift()?.();
        this.#handOver();
      });
      run();
    };
    if (this.#request !== undefined) return void this.#next.push(start);
    // The last slice ended with its head.
    this.#bodyLeft = Number(request.headers['content-length'] ?? 0);
    start();
  }

  /** The connection itself. */
  get connection(): Socket {
    return this.#socket;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** `node:http` calls it to close idle connections. */
  setTimeout(timeoutMs: number): this {
    this.#socket.setTimeout(timeoutMs);
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    // Deferred: bytes pushed during a read are parsed only after it, and until then it is unknown
    // whether a request is in progress.
    process.nextTick(() => this.#handOver());
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (typeof chunk === 'string') this.#socket.write(chunk, encoding, callback);
    else this.#socket.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  /** Whether the next bytes belong to a request that must wait. */
  get #isBusy(): boolean {
    return this.#next.length > 0 || this.#request?.complete === true;
  }

  #handOver(): void {
    while (this.#pending.length > 0 && this.#takesMore) {
      this.push(this.#takeSlice());
    }
    if (this.destroyed) return;
    if (this.#pending.length > 0) this.#socket.pause();
    else if (this.#hasEnded) this.push(null);
    else this.#socket.resume();
  }

  #takeSlice(): Buffer {
    const pending = this.#pending;
    let end: number;
    if (this.#request === undefined) end = blankLineEnd(pending, this.#tail);
    else if (this.#bodyLeft === 0) end = blankLineEnd(pending, this.#tail, BODY_SLICE);
    else {
      end = Math.min(this.#bodyLeft, pending.length);
      this.#bodyLeft -= end;
    }
    const slice = pending.subarray(0, end);
    this.#pending = pending.subarray(end);
    this.#tail = end > 1 ? slice.subarray(-2) : Buffer.concat([this.#tail.subarray(-1), slice]);
    return slice;
  }

  /**
   * Whether the next bytes may be handed over and, once pushed, are parsed before `push` returns.
   */
  get #takesMore(): boolean {
    return !this.#isBusy && !this.destroyed && this.readableFlowing === true && this.readableLength === 0;
  }
}

/**
 * The end of the first blank line that ends after `least`, or the end of the bytes. The blank line
 * may begin in `before`.
 */
function blankLineEnd(bytes: Buffer, before: Buffer, least = 0): number {
  if (least === 0 && before.at(-1) === LINE_FEED) {
    if (bytes[0] === LINE_FEED) return 1;
    if (bytes[0] === CARRIAGE_RETURN && bytes[1] === LINE_FEED) return 2;
  }
  if (least === 0 && before[0] === LINE_FEED && before[1] === CARRIAGE_RETURN && bytes[0] === LINE_FEED) return 1;
  for (let at = bytes.indexOf(LINE_FEED, least); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === LINE_FEED) return at + 2;
    if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === LINE_FEED) return at + 3;
  }
  return bytes.length;
}
