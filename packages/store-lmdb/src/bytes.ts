const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * Writes numbers and texts into one growing buffer that is reused. Views of it stay valid until
 * `reset`.
 */
export class ByteWriter {
  #buffer: Buffer;
  #position = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get position(): number {
    return this.#position;
  }

  /** Discards everything written, and the buffer if a large batch has made it large. */
  reset(): void {
    this.#position = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
  }

  /** The bytes written since a position. */
  since(start: number): Uint8Array {
    return new Uint8Array(this.#buffer.buffer, start, this.#position - start);
  }

  u8(value: number): this {
    this.#room(1);
    this.#buffer[this.#position++] = value;
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    const at = this.#position;
    this.#position = at + 2;
    this.#put16(at, value);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    const at = this.#position;
    this.#position = at + 4;
    this.#put16(at, value >>> 16);
    this.#put16(at + 2, value);
    return this;
  }

  /** Milliseconds and sequences; big-endian, so that keys sort by value. */
  u48(value: number): this {
    this.#room(6);
    const at = this.#position;
    this.#position = at + 6;
    this.#put16(at, value / 2 ** 32);
    this.#put16(at + 2, value >>> 16);
    this.#put16(at + 4, value);
    return this;
  }

  /** Without the methods of `Buffer`, which check ranges that are known to hold here. */
  #put16(at: number, value: number): void {
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
  }

  /** A text preceded by its length, so that no text is a prefix of another. */
  text(value: string): this {
    this.#room(2 + value.length * 3);
    const lengthAt = this.#position;
    this.#position += 2;
    this.#utf8(value);
    this.#put16(lengthAt, this.#position - lengthAt - 2);
    return this;
  }

  /** A text that extends to the end of its key or value; sorts by its bytes. */
  lastText(value: string): this {
    this.#room(value.length * 3);
    this.#utf8(value);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
    return this;
  }

  #utf8(value: string): void {
    const buffer = this.#buffer;
    let at = this.#position;
    // Most texts are short and ASCII, for which a call of the native encoder costs more than the
    // loop.
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        this.#position += buffer.write(value, this.#position);
        return;
      }
      buffer[at++] = code;
    }
    this.#position = at;
  }

  #room(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#position));
    this.#buffer = larger;
  }
}

/** Reads what a ByteWriter wrote. Throws a `RangeError` where a value is cut short. */
export class ByteReader {
  readonly #buffer: Buffer;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get atEnd(): boolean {
    return this.#position >= this.#buffer.length;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  u48(): number {
    return this.#buffer.readUIntBE(this.#take(6), 6);
  }

  text(): string {
    const length = this.u16();
    const start = this.#take(length);
    return length === 0 ? '' : this.#buffer.toString('utf8', start, this.#position);
  }

  lastText(): string {
    const start = this.#take(this.#buffer.length - this.#position);
    // lmdb's buffer is longer than the value in it: without this end, Node 24 reads all of it.
    return this.#buffer.toString('utf8', start, this.#position);
  }

  /** A copy of the next bytes, by default of all remaining ones. */
  bytes(length = this.#buffer.length - this.#position): Uint8Array {
    const start = this.#take(length);
    const copy = new Uint8Array(length);
    copy.set(this.#buffer.subarray(start, this.#position));
    return copy;
  }

  skip(length: number): this {
    this.#take(length);
    return this;
  }

  /**
   * Skips the next bytes and returns their start. Checked, because a damaged value may state any
   * length.
   */
  #take(length: number): number {
    const start = this.#position;
    const left = Math.max(0, this.#buffer.length - start);
    if (length < 0 || length > left)
      throw new RangeError(`it is cut short: ${Math.max(0, length)} bytes are to be read, and ${left} are left`);
    this.#position = start + length;
    return start;
  }
}
