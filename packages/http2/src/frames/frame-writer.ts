import { FLAG, FRAME, FRAME_HEAD, MAX_FRAME_BYTES } from '../constants.ts';

const NO_BYTES = Buffer.alloc(0);
const SMALLEST_SLAB = 512;
const LARGEST_SLAB = 16 * 1024;
/** Payloads above this are sent as they are, not copied among the frames. */
const LONGEST_COPIED = 2 * 1024;
/** Characters of the text of a GOAWAY frame. */
const LONGEST_REASON = 200;

/** Gathers frames until they are taken, so that many frames become one write to the socket. */
export class FrameWriter {
  readonly #wants: () => void;
  #full: Buffer[] = [];
  /** The buffer that is being filled, from `#start` to `#end`; empty between turns. */
  #slab: Buffer = NO_BYTES;
  #start = 0;
  #end = 0;
  #slabBytes = SMALLEST_SLAB;
  #isWanted = false;

  /** @param wants called when the first frame after `take` was written */
  constructor(wants: () => void) {
    this.#wants = wants;
  }

  /** Returns the bytes of all frames since the last call, in order. */
  take(): readonly Buffer[] {
    const chunks = this.#full;
    this.#finishSlab();
    const used = this.#full.length > 1 ? LARGEST_SLAB : this.#end;
    this.#slabBytes = Math.min(LARGEST_SLAB, Math.max(SMALLEST_SLAB, 2 ** Math.ceil(Math.log2(used + 1))));
    this.#full = [];
    this.#slab = NO_BYTES;
    this.#start = this.#end = 0;
    this.#isWanted = false;
    return chunks;
  }

  /** Writes raw bytes: a client's preface. */
  raw(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#end += bytes.copy(this.#slab, this.#end);
  }

  /** Writes the head of a frame. Its payload follows by the other methods. */
  head(length: number, type: number, flags: number, stream: number): void {
    this.#reserve(FRAME_HEAD + Math.min(length, LONGEST_COPIED));
    this.#uint8(length >> 16);
    this.uint16(length & 0xff_ff);
    this.#uint8(type);
    this.#uint8(flags);
    this.uint32(stream);
  }

  uint16(value: number): void {
    this.#uint8(value >> 8);
    this.#uint8(value & 0xff);
  }

  uint32(value: number): void {
    this.#end = this.#slab.writeUInt32BE(value, this.#end);
  }

  /** Writes a payload, or a part of it. */
  bytes(bytes: Buffer): void {
    if (bytes.length <= LONGEST_COPIED) {
      this.#end += bytes.copy(this.#slab, this.#end);
      return;
    }
    this.#finishSlab();
    this.#full.push(bytes);
  }

  data(stream: number, bytes: Buffer, isLast: boolean): void {
    this.head(bytes.length, FRAME.data, isLast ? FLAG.endStream : 0, stream);
    this.bytes(bytes);
  }

  /** Writes HEADERS, and CONTINUATION for a block that is too long for one frame. */
  headers(stream: number, block: Buffer, isLast: boolean): void {
    const end = isLast ? FLAG.endStream : 0;
    let left = block;
    for (let type: number = FRAME.headers; ; type = FRAME.continuation) {
      const flags = type === FRAME.headers ? end : 0;
      const piece = left.length <= MAX_FRAME_BYTES ? left : left.subarray(0, MAX_FRAME_BYTES);
      left = left.subarray(piece.length);
      this.head(piece.length, type, left.length === 0 ? flags | FLAG.endHeaders : flags, stream);
      this.bytes(piece);
      if (left.length === 0) return;
    }
  }

  reset(stream: number, code: number): void {
    this.head(4, FRAME.reset, 0, stream);
    this.uint32(code);
  }

  windowUpdate(stream: number, bytes: number): void {
    this.head(4, FRAME.windowUpdate, 0, stream);
    this.uint32(bytes);
  }

  settings(pairs: readonly (readonly [setting: number, value: number])[]): void {
    this.head(6 * pairs.length, FRAME.settings, 0, 0);
    for (const [setting, value] of pairs) {
      this.uint16(setting);
      this.uint32(value);
    }
  }

  ack(type: number, payload: Buffer): void {
    this.head(payload.length, type, FLAG.ack, 0);
    this.bytes(payload);
  }

  /** @param reason a text for the log of the other side */
  goaway(lastStream: number, code: number, reason: string): void {
    const text = Buffer.from(reason.slice(0, LONGEST_REASON));
    this.head(8 + text.length, FRAME.goaway, 0, 0);
    this.uint32(lastStream);
    this.uint32(code);
    this.bytes(text);
  }

  #uint8(value: number): void {
    this.#slab[this.#end++] = value;
  }

  #reserve(bytes: number): void {
    if (!this.#isWanted) {
      this.#isWanted = true;
      this.#wants();
    }
    if (this.#end + bytes <= this.#slab.length) return;
    this.#finishSlab();
    this.#slab = Buffer.allocUnsafe(Math.max(this.#slabBytes, bytes));
    this.#start = this.#end = 0;
    this.#slabBytes = LARGEST_SLAB;
  }

  #finishSlab(): void {
    if (this.#end > this.#start) this.#full.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}
