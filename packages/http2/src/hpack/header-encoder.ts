import { INDEX_OF_FIELD, INDEX_OF_NAME } from './static-table.ts';

/** An update of the table's size to 0. */
export const NO_TABLE = 0x20;

const INDEXED = 0x80;
const WITHOUT_INDEXING = 0x00;
const NEVER_INDEXED = 0x10;
/** Fields that no intermediary may put into a table: their values must not be guessed by length. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/**
 * Encodes fields as a header block that is valid in every connection: it refers to the static table
 * only and uses no Huffman code. A block can be sent any number of times. Names must be lower case;
 * names and values must have no characters above U+00FF.
 */
export function encodeHeaders(fields: Iterable<readonly [name: string, value: string]>): Buffer {
  const list = [...fields];
  // Two texts with lengths of at most four bytes, and their first bytes.
  let size = 0;
  for (const [name, value] of list) size += name.length + value.length + 12;
  const writer = new BlockWriter(Buffer.allocUnsafe(size));
  for (const [name, value] of list) writer.field(name, value);
  return writer.written;
}

class BlockWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  field(name: string, value: string): void {
    const indexed = value === '' ? undefined : INDEX_OF_FIELD.get(`${name}=${value}`);
    if (indexed !== undefined) return this.#integer(INDEXED, 0x7f, indexed);
    const index = INDEX_OF_NAME.get(name) ?? 0;
    this.#integer(SECRET.has(name) ? NEVER_INDEXED : WITHOUT_INDEXING, 0x0f, index);
    if (index === 0) this.#text(name);
    this.#text(value);
  }

  #text(text: string): void {
    this.#integer(0, 0x7f, text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  #integer(first: number, mask: number, value: number): void {
    if (value < mask) {
      this.#bytes[this.#at++] = first | value;
      return;
    }
    this.#bytes[this.#at++] = first | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#at++] = 0x80 | (rest & 0x7f);
    this.#bytes[this.#at++] = rest;
  }
}
