import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Least bytes of a body whose length is not known that are handed over at once: blank lines alone must not cut it into pieces of two bytes. */
const BODY_SLICE = 512;

const NO_BYTES = Buffer.alloc(0);

/**
 * A connection as `node:http` gets it: the bytes of a request are handed over only when the response to the one before has left. Node's server would run all
 * requests of a packet at once, more than a thousand of them in 64 KiB, and read the next packet meanwhile.
 *
 * Bytes that came are handed over in slices. A head ends with a blank line, and so does its slice; a body of known length is handed over without the bytes
 * behind it. Only a slice in which a chunked body ends may complete heads as well, a few of them: these requests wait here. Everything else waits in the
 * socket.
 */
export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  /** Came and is not yet handed over; the socket is read again when it is empty. */
  #pending: Buffer;
  #hasEnded = false;
  /** The last bytes that were handed over: a blank line may begin with them. */
  #tail: Buffer = NO_BYTES;
  /** The request in progress, and what starts those behind it. */
  #request: IncomingMessage | undefined;
  readonly #next: (() => void)[] = [];
  /** Bytes of its body that are to come, where its head states them. */
  #bodyLeft = 0;

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
        this.#next.shift()?.();
        this.#handOver();
      });
      run();
    };
    if (this.#request !== undefined) return void this.#next.push(start);
    // Its head ended with the last slice.
    this.#bodyLeft = Number(request.headers['content-length'] ?? 0);
    start();
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

  /** Pushed now, bytes are parsed before `push` returns. */
  get #takesMore(): boolean {
    return !this.#isBusy && !this.destroyed && this.readableFlowing === true && this.readableLength === 0;
  }
}

/** Where the first blank line ends that ends at `least` or behind, or everything that came. It may begin in `before`. */
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
