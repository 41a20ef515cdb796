/*
 * JSON texts of any length, written in parts: one `JSON.stringify` of 15 MB blocks the event loop
 * for a tenth of a second, and its text stays in memory until the slowest reader has received it.
 */

/** Characters of a text, or bytes of a payload, that are written at once. */
const SLICE = 24 * 1024;
/** Minimum length of a part in characters, except for the last one. */
const PART = 32 * 1024;

/** Bytes that are converted to a JSON string only while they are written. */
export class JsonBytes {
  readonly #bytes: Buffer;
  readonly #encoding: 'utf8' | 'base64';

  constructor(bytes: Uint8Array, encoding: 'utf8' | 'base64') {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#encoding = encoding;
  }

  /** The whole text, for `JSON.stringify`. */
  toJSON(): string {
    return this.#bytes.toString(this.#encoding);
  }

  /** The text in slices that do not split characters. */
  *slices(): Generator<string> {
    for (let from = 0; from < this.#bytes.length;) {
      const end = this.#endOfSlice(from);
      yield this.#bytes.toString(this.#encoding, from, end);
      from = end;
    }
  }

  /** Three bytes are four characters of base64, and `SLICE` is a multiple of three. */
  #endOfSlice(from: number): number {
    const bytes = this.#bytes;
    const most = from + SLICE;
    if (most >= bytes.length) return bytes.length;
    if (this.#encoding === 'base64') return most;
    for (let end = most; end > most - LONGEST_CHARACTER; end--) if (!isInsideCharacter(bytes[end])) return end;
    return most;
  }
}

/** Maximum length of a UTF-8 character in bytes. */
const LONGEST_CHARACTER = 4;
const isInsideCharacter = (byte = 0): boolean => (byte & 0xc0) === 0x80;

/**
 * The text of `JSON.stringify(value)` in parts. Long texts and list elements are converted only
 * when they are needed.
 */
export function* jsonParts(value: unknown): Generator<string, undefined> {
  let part = '';
  for (const piece of pieces(value)) {
    part += piece;
    if (part.length < PART) continue;
    yield part;
    part = '';
  }
  if (part !== '') yield part;
  return undefined;
}

function* pieces(value: unknown): Generator<string> {
  if (value instanceof JsonBytes) yield* quotedPieces(value.slices());
  else if (typeof value === 'string' && value.length > SLICE) yield* quotedPieces(slicesOfText(value, SLICE));
  else if (Array.isArray(value)) yield* piecesOfList(value);
  else if (isObject(value) && Object.values(value).some(mayBeLong)) yield* piecesOfObject(value);
  else yield JSON.stringify(value);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const mayBeLong = (value: unknown): boolean => isObject(value) || (typeof value === 'string' && value.length > SLICE);

function* piecesOfList(list: readonly unknown[]): Generator<string> {
  let before = '[';
  for (const item of list) {
    yield before;
    yield* pieces(item);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

function* piecesOfObject(object: Readonly<Record<string, unknown>>): Generator<string> {
  let before = '{';
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    yield* pieces(value);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

function* quotedPieces(slices: Iterable<string>): Generator<string> {
  yield '"';
  for (const slice of slices) yield JSON.stringify(slice).slice(1, -1);
  yield '"';
}

/** Slices of at most `length` characters that do not split surrogate pairs. */
export function* slicesOfText(text: string, length: number): Generator<string> {
  for (let from = 0; from < text.length;) {
    const most = from + length;
    const end = isFirstOfPair(text.charCodeAt(most - 1)) ? most - 1 : most;
    yield text.slice(from, end);
    from = end;
  }
}

const isFirstOfPair = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
