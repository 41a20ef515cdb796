import { type FieldPath, HoldfastError, LIMITS } from '@holdfast/protocol';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const COUNTED = new Uint8Array(256);
for (const unit of [QUOTE, COMMA, COLON, LIST, LIST_END, OBJECT, OBJECT_END]) COUNTED[unit] = 1;

/**
 * A text up to this length has neither too many levels (two characters each) nor too many parts.
 */
const ALWAYS_FINE = Math.min(2 * LIMITS.jsonDepth, LIMITS.requestFields, LIMITS.jsonElements);

/**
 * Counts levels, fields and elements of a JSON text before it is parsed: parsing a few megabytes of
 * brackets takes seconds. Small texts, nearly all, are not scanned. Throws `invalid` for too many
 * levels, `too_large` for too many fields or elements.
 * @param field the field that holds the text; omitted for the body of a request
 */
export function checkJsonBounds(text: string, field?: FieldPath): void {
  if (text.length <= ALWAYS_FINE) return;
  let [depth, fields, elements] = [0, 0, 1];
  // Bytes can be read in a fraction of the time that UTF-16 units take.
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at++) {
    const unit = bytes[at] ?? 0;
    // Blanks, digits and other uncounted bytes: nearly all of a text outside strings.
    if (COUNTED[unit] !== 1) continue;
    if (unit === QUOTE) at = endOfString(bytes, at);
    else if (unit === COMMA) elements++;
    else if (unit === COLON) fields++;
    else if (unit === LIST || unit === OBJECT) {
      fields++;
      if (++depth > LIMITS.jsonDepth) throw outOfBounds('invalid', `${LIMITS.jsonDepth} levels of nesting`, field);
    } else if (unit === LIST_END || unit === OBJECT_END) depth--;
    if (fields > LIMITS.requestFields)
      throw outOfBounds('too_large', `${LIMITS.requestFields} fields, lists and objects`, field);
    if (elements > LIMITS.jsonElements) throw outOfBounds('too_large', `${LIMITS.jsonElements} elements`, field);
  }
}

const outOfBounds = (code: 'invalid' | 'too_large', bound: string, field: FieldPath | undefined): HoldfastError =>
  field === undefined
    ? new HoldfastError(code, `the body must have at most ${bound}`)
    : new HoldfastError(code, `must have at most ${bound}`, { field });

/**
 * Position of the quote that ends the string beginning at `from`; the text's length if there is
 * none.
 */
function endOfString(bytes: Buffer, from: number): number {
  const first = bytes.indexOf(QUOTE, from + 1);
  if (first === -1) return bytes.length;
  if (bytes[first - 1] !== BACKSLASH) return first;
  // A string with a backslash before a quote is scanned by character: it may consist of such
  // escapes.
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return bytes.length;
}
