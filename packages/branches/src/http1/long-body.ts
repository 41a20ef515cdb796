/** One of dtm's words that decide the result of a response. */
export type Word = 'ONGOING' | 'FAILURE';

/**
 * Longest string that can be `dtm_result` or a word, with each character written as `\uXXXX`,
 * including quotes.
 */
const MAX_TOKEN_BYTES = 64;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d];
const CLOSING: Readonly<Record<number, number>> = { [OBJECT]: OBJECT_END, [ARRAY]: ARRAY_END };
const MAX_DEPTH = 1_000;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Bytes that JSON has outside strings: blanks, numbers, literals and punctuation. */
const OUTSIDE = new Uint8Array(256);
for (const character of ' \t\r\n0123456789+-.eEtrufalsn{}[]:,"') OUTSIDE[character.charCodeAt(0)] = 1;

/**
 * Searches a body too long to be kept for the deciding word, by the rule for short bodies
 * (`resultOfHttp`): in JSON only `dtm_result` of the outermost object counts, or the whole text if
 * it is a string; in any other text a word anywhere. Reads each byte once and keeps a few.
 *
 * JSON is recognised by its strings, brackets and the bytes between them, not by the full grammar:
 * a text that passes without being JSON has no word outside a string, and is so rare that its
 * status may decide.
 */
export class LongBody {
  /** The words found anywhere in the text, and its last bytes, which may begin a word. */
  #hasOngoing = false;
  #hasFailure = false;
  #tail: Buffer = Buffer.alloc(0);

  #isJson = true;
  #at = 0;
  #hasValue = false;
  #inString = false;
  #isEscaped = false;
  /** The open brackets. */
  readonly #open: number[] = [];
  /** The current string in the outermost object; empty if it is too long to matter. */
  #token: number[] = [];
  #isKey = true;
  #key = '';
  #result: unknown;

  push(piece: Buffer): void {
    this.#search(piece);
    for (let index = 0; index < piece.length && this.#isJson; index++) this.#read(piece[index] as number);
  }

  /** The deciding word; undefined: the status decides. Valid once the body is complete. */
  get word(): Word | undefined {
    if (!this.#hasOngoing && !this.#hasFailure) return undefined;
    if (this.#isCompleteJson)
      return this.#result === 'ONGOING' || this.#result === 'FAILURE' ? this.#result : undefined;
    return this.#hasOngoing ? 'ONGOING' : this.#hasFailure ? 'FAILURE' : undefined;
  }

  get #isCompleteJson(): boolean {
    return this.#isJson && this.#hasValue && !this.#inString && this.#open.length === 0;
  }

  #search(piece: Buffer): void {
    const seam = Buffer.concat([this.#tail, piece.subarray(0, 6)]);
    this.#hasOngoing ||= seam.includes('ONGOING', 0, 'latin1') || piece.includes('ONGOING', 0, 'latin1');
    this.#hasFailure ||= seam.includes('FAILURE', 0, 'latin1') || piece.includes('FAILURE', 0, 'latin1');
    this.#tail = piece.length >= 6 ? Buffer.from(piece.subarray(-6)) : seam.subarray(-6);
  }

  #read(byte: number): void {
    const at = this.#at++;
    if (at < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[at]) return;
    if (this.#inString) this.#readInString(byte);
    else if (OUTSIDE[byte] === 0) this.#isJson = false;
    else this.#readOutside(byte);
  }

  #readInString(byte: number): void {
    if (byte < 0x20) this.#isJson = false;
    if (this.#token.length > 0) this.#token.push(byte);
    if (this.#token.length > MAX_TOKEN_BYTES) this.#token = [];
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      this.#takeString();
    }
  }

  #readOutside(byte: number): void {
    const isOutermost = this.#open.length === 0;
    // A number or literal cannot be this long, so the text is not JSON.
    if (isOutermost && !isBlank(byte) && (this.#hasValue || (CLOSING[byte] === undefined && byte !== QUOTE)))
      this.#isJson = false;
    else if (byte === QUOTE) {
      this.#inString = true;
      this.#hasValue = true;
      this.#token = isOutermost || this.#isOutermostObject ? [QUOTE] : [];
    } else if (CLOSING[byte] !== undefined) this.#openBracket(byte);
    else if (byte === OBJECT_END || byte === ARRAY_END) {
      if (CLOSING[this.#open.pop() ?? 0] !== byte) this.#isJson = false;
    } else if (this.#isOutermostObject) {
      if (byte === COLON) this.#isKey = false;
      else if (byte === COMMA) this.#isKey = true;
      else if (!isBlank(byte)) this.#takeValue(undefined);
    }
  }

  #openBracket(byte: number): void {
    if (this.#isOutermostObject) this.#takeValue(undefined);
    this.#hasValue = true;
    this.#open.push(byte);
    if (this.#open.length > MAX_DEPTH) this.#isJson = false;
  }

  #takeString(): void {
    const text = textOf(this.#token);
    if (this.#open.length === 0) this.#result = text;
    else if (!this.#isOutermostObject) return;
    else if (this.#isKey) this.#key = text ?? '';
    else this.#takeValue(text);
  }

  /** As with `JSON.parse`, the last of several fields with the same name counts. */
  #takeValue(value: unknown): void {
    if (!this.#isKey && this.#key === 'dtm_result') this.#result = value;
  }

  get #isOutermostObject(): boolean {
    return this.#open.length === 1 && this.#open[0] === OBJECT;
  }
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function textOf(token: readonly number[]): string | undefined {
  if (token.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(token).toString()) as string;
  } catch {
    return undefined;
  }
}
