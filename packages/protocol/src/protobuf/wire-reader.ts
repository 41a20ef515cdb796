import { WIRE_32_BIT, WIRE_64_BIT, WIRE_GROUP_END, WIRE_GROUP_START, WIRE_LENGTH, WIRE_VARINT } from './schema.ts';

/** Bytes that are not the protobuf message that they should be. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  /** The field at fault, from the outermost message inwards; empty: the message itself. */
  readonly path: readonly string[];
  /** The rest of the sentence that begins with the path. */
  readonly fault: string;

  constructor(fault: string, path: readonly string[] = []) {
    super(`${path.length === 0 ? 'the message' : path.join('.')} ${fault}`);
    this.path = path;
    this.fault = fault;
  }

  /** The same error of a message that is the field `name` of another. */
  within(name: string): ProtobufError {
    return new ProtobufError(this.fault, [name, ...this.path]);
  }
}

/** Groups of unknown fields may be nested this deep. */
const MAX_GROUP_DEPTH = 32;
const MAX_VARINT_BYTES = 10;
/** Field numbers have 29 bits. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the parts of a message in the wire format, within the bounds of its bytes. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Field number × 8 + wire type. */
  tag(): number {
    const at = this.#at;
    const tag = Number(this.varint());
    if (tag < 8 || tag >>> 3 > MAX_FIELD_NUMBER || tag > 2 ** 32 - 1)
      throw new ProtobufError(`has no valid field number at byte ${at}`);
    return tag;
  }

  /** A varint of up to 64 bits, as an unsigned number. */
  varint(): bigint | number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    // Four bytes have 28 bits; more need a bigint.
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    let long = BigInt(value);
    for (let count = 4; count < MAX_VARINT_BYTES; count++) {
      const byte = this.#byte();
      long |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) return BigInt.asUintN(64, long);
    }
    throw new ProtobufError(`has a number of more than ${MAX_VARINT_BYTES} bytes before byte ${this.#at}`);
  }

  /** A signed integer of 64 bits. Throws unless a JavaScript number holds it exactly. */
  int64(): number {
    const varint = this.varint();
    // Short ones are positive, and need no bigint.
    if (typeof varint === 'number') return varint;
    const value = BigInt.asIntN(64, varint);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new ProtobufError(`must be within ±(2^53 - 1), not ${value}`);
    return number;
  }

  /** The bytes of a field with a length; they share memory with the message. */
  bytes(): Buffer {
    const length = Number(this.varint());
    const start = this.#at;
    if (length > this.#end - start)
      throw new ProtobufError(`is cut off: it should have ${length} more bytes at byte ${start}`);
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return UTF8.decode(bytes);
    } catch {
      throw new ProtobufError('is not UTF-8');
    }
  }

  /** Skips the value of an unknown field. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.varint();
        return;
      case WIRE_64_BIT:
        return this.#advance(8);
      case WIRE_LENGTH:
        this.bytes();
        return;
      case WIRE_32_BIT:
        return this.#advance(4);
      case WIRE_GROUP_START:
        return this.#skipGroup(tag >>> 3, depth);
      default:
        throw new ProtobufError(`has wire type ${tag & 7} before byte ${this.#at}, which no field begins with`);
    }
  }

  #skipGroup(number: number, depth: number): void {
    if (depth >= MAX_GROUP_DEPTH) throw new ProtobufError(`has groups that are nested deeper than ${MAX_GROUP_DEPTH}`);
    while (!this.isAtEnd) {
      const tag = this.tag();
      if ((tag & 7) !== WIRE_GROUP_END) this.skip(tag, depth + 1);
      else if (tag >>> 3 === number) return;
      else throw new ProtobufError(`has a group ${number} that ends as group ${tag >>> 3}`);
    }
    throw new ProtobufError(`is cut off in group ${number}`);
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new ProtobufError(`is cut off at byte ${this.#end}`);
    this.#at += length;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ProtobufError(`is cut off at byte ${this.#end}`);
    return this.#bytes[this.#at++] as number;
  }
}
