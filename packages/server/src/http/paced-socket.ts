import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * A connection as `node:http` gets it: the bytes of a request are handed over only when the response to the one before has left. Node's server would run all
 * requests of a packet at once, more than a thousand of them in 64 KiB, and read the next packet meanwhile.
 *
 * What came is handed over in slices that end behind a blank line, so that no slice completes more than one head. A slice in which a body ends may complete
 * the next head as well: that one request waits here. Everything else waits in the socket.
 */
export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  /** Came and is not yet handed over; the socket is read again when it is empty. */
  #pending: Buffer;
  #hasEnded = false;
  /** The request in progress, and what starts the one behind it. */
  #request: IncomingMessage | undefined;
  #next: (() => void) | undefined;

  /** @param piece what was read from the socket before */
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

  /** Runs a request as soon as the response to the one before has left. */
  enter(request: IncomingMessage, response: ServerResponse, run: () => void): void {
    const start = (): void => {
      this.#request = request;
      response.once('close', () => {
        this.#request = undefined;
        const next = this.#next;
        this.#next = undefined;
        next?.();
        this.#handOver();
      });
      run();
    };
    if (this.#request === undefined) start();
    else this.#next = start;
  }

  /** `node:http` ends idle connections by it. */
  setTimeout(timeoutMs: number): this {
    this.#socket.setTimeout(timeoutMs);
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    // Later: what is pushed during a read is parsed after it, and whether a request is in progress would not be known yet.
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

  /** Whether the next bytes belong to a request that is not to be read yet. */
  get #isBusy(): boolean {
    return this.#next !== undefined || this.#request?.complete === true;
  }

  #handOver(): void {
    while (this.#pending.length > 0 && this.#takesMore) {
      const end = blankLineEnd(this.#pending);
      const slice = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      this.push(slice);
    }
    if (this.destroyed) return;
    if (this.#pending.length > 0) this.#socket.pause();
    else if (this.#hasEnded) this.push(null);
    else this.#socket.resume();
  }

  /** Pushed now, bytes are parsed before `push` returns. */
  get #takesMore(): boolean {
    return !this.#isBusy && !this.destroyed && this.readableFlowing === true && this.readableLength === 0;
  }
}

/** Where the first blank line ends, or everything that came. */
function blankLineEnd(bytes: Buffer): number {
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === LINE_FEED) return at + 2;
    if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === LINE_FEED) return at + 3;
  }
  return bytes.length;
}
