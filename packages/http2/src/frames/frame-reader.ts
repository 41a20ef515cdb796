import { FRAME_HEAD, HTTP2_CODE, MAX_FRAME_BYTES } from '../constants.ts';
import { Http2Error } from '../http2-error.ts';

/** Receives frames. The payload is in `bytes` from `start` to `end`, and may be kept. */
export interface FrameSink {
  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
}

const NO_BYTES = Buffer.alloc(0);
const SMALLEST_HELD = 256;

/** Splits bytes into frames. Only a frame that arrives in several pieces is copied. */
export class FrameReader {
  readonly #sink: FrameSink;
  #held: Buffer = NO_BYTES;
  #length = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /**
   * Reads the frames that are complete now. Throws `Http2Error` if one is announced that is too
   * long, and what the sink throws.
   */
  read(piece: Buffer): void {
    let at = 0;
    if (this.#length > 0) {
      at = this.#complete(piece);
      if (this.#length > 0) return;
    }
    while (piece.length - at >= FRAME_HEAD) {
      const end = at + FRAME_HEAD + lengthAt(piece, at);
      if (end > piece.length) break;
      this.#emit(piece, at, end);
      at = end;
    }
    if (at < piece.length) this.#hold(piece, at, piece.length);
  }

  /** Adds to the frame that is incomplete. Returns how much of the piece belonged to it. */
  #complete(piece: Buffer): number {
    let taken = 0;
    for (;;) {
      const size = this.#length < FRAME_HEAD ? FRAME_HEAD : FRAME_HEAD + lengthAt(this.#held, 0);
      if (this.#length >= FRAME_HEAD && this.#length === size) break;
      const missing = Math.min(size - this.#length, piece.length - taken);
      if (missing === 0) return taken;
      this.#hold(piece, taken, taken + missing);
      taken += missing;
    }
    const held = this.#held;
    const end = this.#length;
    this.#held = NO_BYTES;
    this.#length = 0;
    this.#emit(held, 0, end);
    return taken;
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const stream = bytes.readUInt32BE(at + 5) & 0x7f_ff_ff_ff;
    this.#sink.frame(bytes[at + 3] as number, bytes[at + 4] as number, stream, bytes, at + FRAME_HEAD, end);
  }

  /** Appends bytes. A full buffer is doubled, so each byte is copied a few times at most. */
  #hold(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(SMALLEST_HELD, length, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length, start, end);
    this.#length = length;
    if (length >= FRAME_HEAD) lengthAt(this.#held, 0);
  }
}

/** The length of a frame's payload. Throws if it is longer than allowed. */
function lengthAt(bytes: Buffer, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length <= MAX_FRAME_BYTES) return length;
  throw new Http2Error(HTTP2_CODE.frameSizeError, `a frame of ${length} bytes; the limit is ${MAX_FRAME_BYTES}`);
}
