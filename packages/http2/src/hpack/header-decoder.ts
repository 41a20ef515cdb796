import { HTTP2_CODE } from '../constants.ts';
import { Http2Error } from '../http2-error.ts';
import { DynamicTable } from './dynamic-table.ts';
import { Field } from './field.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_LENGTH, STATIC_TABLE } from './static-table.ts';

export interface HeaderLimits {
  /** The size of the dynamic table: SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number;
  /** The size of a list of fields as RFC 9113 counts it: 32 bytes per field besides its texts. */
  readonly maxListBytes: number;
  readonly maxFields: number;
}

/**
 * A block whose fields have this many times the limit ends the connection: a few bytes can repeat a
 * long field of the table, and checking each costs as much as if it had been sent.
 */
const MOST_EXCESS = 4;
/** Integers of lengths and indexes above this are errors. */
const MAX_INTEGER = 2 ** 24;
const NO_BYTES = Buffer.alloc(0);

/** Decodes the header blocks that one side of a connection sends (RFC 7541). */
export class HeaderDecoder {
  readonly #limits: HeaderLimits;
  readonly #table: DynamicTable;
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
    this.#table = new DynamicTable(limits.tableBytes);
  }

  /**
   * Returns the fields of a complete block; undefined if they exceed a limit, with the table as the
   * sender has it. Throws `Http2Error`, after which the decoder must not be used.
   */
  decode(bytes: Buffer, start: number, end: number): readonly Field[] | undefined {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const fields: Field[] = [];
    let isTooLarge = false;
    let left = this.#limits.maxListBytes;
    this.#readSizes();
    while (this.#at < end) {
      const field = this.#readField();
      left -= field.bytes;
      if (left < -(MOST_EXCESS - 1) * this.#limits.maxListBytes)
        throw new Http2Error(HTTP2_CODE.enhanceYourCalm, 'the header fields are far too long');
      if (left < 0 || fields.length === this.#limits.maxFields) isTooLarge = true;
      else fields.push(field);
    }
    this.#bytes = NO_BYTES;
    return isTooLarge ? undefined : fields;
  }

  /** Updates of the table's size, which are only allowed at the beginning of a block. */
  #readSizes(): void {
    while (this.#at < this.#end && ((this.#bytes[this.#at] as number) & 0xe0) === 0x20) {
      const size = this.#readInteger(0x1f);
      if (size > this.#limits.tableBytes) throw malformed('the table is larger than allowed');
      this.#table.resize(size);
    }
  }

  #readField(): Field {
    const first = this.#bytes[this.#at] as number;
    if (first >= 0x80) return this.#fieldAt(this.#readInteger(0x7f));
    if (first >= 0x40) {
      const field = this.#readLiteral(0x3f);
      this.#table.add(field);
      return field;
    }
    if (first >= 0x20) throw malformed('the size of the table changes between fields');
    return this.#readLiteral(0x0f);
  }

  /** A field whose name is in a table, or is a text as well. */
  #readLiteral(mask: number): Field {
    const index = this.#readInteger(mask);
    const name = index === 0 ? this.#readText() : this.#fieldAt(index).name;
    return new Field(name, this.#readText());
  }

  #fieldAt(index: number): Field {
    const field = index <= STATIC_LENGTH ? STATIC_TABLE[index - 1] : this.#table.at(index - STATIC_LENGTH - 1);
    if (field === undefined) throw malformed('there is no field with the index');
    return field;
  }

  #readText(): string {
    if (this.#at >= this.#end) throw malformed('a text is missing');
    const isHuffman = (this.#bytes[this.#at] as number) >= 0x80;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw malformed('a text is cut off');
    this.#at = end;
    if (!isHuffman) return this.#bytes.toString('latin1', start, end);
    const text = decodeHuffman(this.#bytes, start, end);
    if (text === undefined) throw malformed('a text is not in the Huffman code');
    return text;
  }

  /** An integer (RFC 7541, 5.1) whose first bits are those of `mask` in the present byte. */
  #readInteger(mask: number): number {
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; this.#at < this.#end && shift <= 21; shift += 7) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if (value > MAX_INTEGER) break;
      if (byte < 0x80) return value;
    }
    throw malformed('an integer is cut off or too large');
  }
}

const malformed = (fault: string): Http2Error =>
  new Http2Error(HTTP2_CODE.compressionError, `malformed header block: ${fault}`);
