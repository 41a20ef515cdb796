import { BODY_LENGTH_AT, HEAD_AT, HEAD_LENGTH_AT } from './frame.ts';

/** Frames are written one after the other into pieces of memory of this size. */
const SLAB_BYTES = 16 * 1024;
/** A longer frame gets its own memory, so that it does not keep a slab of small ones. */
const LONG_FRAME_BYTES = SLAB_BYTES / 4;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const LONGEST_NUMBER = 24;
/** Longer texts are encoded in less time by the native encoder. */
const LONGEST_LOOP = 64;

/** A piece of JSON as bytes. */
export type JsonPiece = Uint8Array;

/** Encodes a piece of JSON once, to be added to many frames. */
export const piece = (json: string): JsonPiece => new Uint8Array(Buffer.from(json));

/** The pieces of the texts of a closed set, quoted. */
export const quotedPieces = <T extends string>(texts: readonly T[]): Readonly<Record<T, JsonPiece>> =>
  Object.fromEntries(texts.map((text) => [text, piece(JSON.stringify(text))])) as Record<T, JsonPiece>;

/**
 * Writes frames whose JSON head is written by hand, for records that are written with every step.
 * The bytes go directly into the frame's memory: joining texts and encoding the result takes about
 * twice as long and leaves kilobytes of garbage. The bytes are those of `JSON.stringify`.
 *
 * One frame at a time: `begin`, the parts of the head, `end`. A frame that was not ended because of
 * an exception is discarded by the next `begin`.
 */
export class FrameWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #at = 0;

  begin(format: number): this {
    if (this.#start + LONG_FRAME_BYTES > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#start = 0;
    }
    this.#slab[this.#start] = format;
    this.#at = this.#start + HEAD_AT;
    return this;
  }

  /** Adds a piece of JSON. A loop, because a call of `set` costs more than most pieces. */
  json(bytes: JsonPiece): this {
    const { length } = bytes;
    this.#room(length);
    const slab = this.#slab;
    const at = this.#at;
    for (let i = 0; i < length; i++) slab[at + i] = bytes[i] ?? 0;
    this.#at = at + length;
    return this;
  }

  /** Adds a rare piece of JSON that consists of ASCII. */
  rare(json: string): this {
    this.#room(json.length);
    this.#at += this.#slab.write(json, this.#at, 'latin1');
    return this;
  }

  /** Adds any text as a JSON string. */
  quoted(text: string): this {
    if (text.length > LONGEST_LOOP) return this.value(text);
    this.#room(text.length + 2);
    const slab = this.#slab;
    let at = this.#at;
    slab[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return this.value(text);
      slab[at++] = code;
    }
    slab[at++] = QUOTE;
    this.#at = at;
    return this;
  }

  /** Adds a finite number. */
  number(value: number): this {
    this.#room(LONGEST_NUMBER);
    // The bitwise operator is false for fractions and for what 32 bits cannot hold.
    if ((value | 0) !== value) return this.#longNumber(value);
    let rest = value;
    if (rest < 0) {
      // -2³¹ has no positive counterpart of 32 bits.
      if (rest === -0x80_00_00_00) return this.#longNumber(value);
      this.#slab[this.#at++] = MINUS;
      rest = -rest;
    }
    this.#digits(rest, digitsOf(rest));
    return this;
  }

  /** Ends the frame with these bodies and returns it. */
  end(bodies: readonly Uint8Array[]): Buffer {
    const headLength = this.#at - this.#start - HEAD_AT;
    let bodyLength = 0;
    for (const body of bodies) bodyLength += body.length;
    this.#room(bodyLength);
    const slab = this.#slab;
    for (const body of bodies) {
      slab.set(body, this.#at);
      this.#at += body.length;
    }
    put32(slab, this.#start + HEAD_LENGTH_AT, headLength);
    put32(slab, this.#start + BODY_LENGTH_AT, bodyLength);
    const frame = slab.subarray(this.#start, this.#at);
    if (frame.length > LONG_FRAME_BYTES) return this.#apart(frame);
    this.#start = this.#at;
    return frame;
  }

  /** Adds a value as `JSON.stringify` writes it. */
  value(value: unknown): this {
    const json = JSON.stringify(value);
    this.#room(json.length * 3);
    this.#at += this.#slab.write(json, this.#at);
    return this;
  }

  #longNumber(value: number): this {
    // Milliseconds since the epoch, in two parts that 32 bits hold.
    const high = Math.floor(value / 1e6);
    if (!Number.isSafeInteger(value) || value < 0 || (high | 0) !== high) return this.rare(String(value));
    this.#digits(high, digitsOf(high));
    this.#digits(value - high * 1e6, 6);
    return this;
  }

  /** Adds a whole number of at most 32 bits with this number of digits. */
  #digits(value: number, count: number): void {
    const slab = this.#slab;
    let rest = value | 0;
    for (let at = this.#at + count - 1; at >= this.#at; at--) {
      const next = (rest / 10) | 0;
      slab[at] = ZERO + rest - next * 10;
      rest = next;
    }
    this.#at += count;
  }

  /** Returns a long frame in memory that it shares with no other. */
  #apart(frame: Buffer): Buffer {
    if (this.#start > 0) return Buffer.from(frame);
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    return frame;
  }

  /** Makes room; a slab that is too small is replaced, with the frame's bytes so far. */
  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#slab.length) return;
    const written = this.#slab.subarray(this.#start, this.#at);
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (written.length + bytes) * 2));
    this.#slab.set(written);
    this.#start = 0;
    this.#at = written.length;
  }
}

function digitsOf(value: number): number {
  let count = 1;
  for (let power = 10; count < 10 && value >= power; power *= 10) count++;
  return count;
}

/** Big endian, without the range checks of `Buffer`. */
function put32(to: Uint8Array, at: number, value: number): void {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
}
