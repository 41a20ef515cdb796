import { HoldfastError, LIMITS } from '@holdfast/protocol';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
/** A text that is no longer holds neither too many levels, each of which takes two characters, nor too many parts. */
const ALWAYS_FINE = Math.min(2 * LIMITS.jsonDepth, LIMITS.jsonFields, LIMITS.jsonElements);

/**
 * Counts levels, fields and elements of a JSON text before it is parsed: to parse a few megabytes of brackets takes seconds. Small texts, which is nearly
 * all, are not looked at. Throws `invalid` for too many levels, `too_large` for too many fields or elements.
 * @param what the text, as an error names it: `the body`, or a field
 */
export function checkJsonBounds(text: string, what = 'the body', field?: string): void {
  if (text.length <= ALWAYS_FINE) return;
  const details = field === undefined ? {} : { field };
  let [depth, fields, elements] = [0, 0, 1];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === COMMA) elements++;
    else if (unit === COLON) fields++;
    else if (unit === LIST || unit === OBJECT) {
      fields++;
      if (++depth > LIMITS.jsonDepth)
        throw new HoldfastError('invalid', `${what} has more than ${LIMITS.jsonDepth} levels of nesting`, details);
    } else if (unit === LIST_END || unit === OBJECT_END) depth--;
    if (fields > LIMITS.jsonFields)
      throw new HoldfastError(
        'too_large',
        `${what} has more than ${LIMITS.jsonFields} fields, lists and objects`,
        details,
      );
    if (elements > LIMITS.jsonElements)
      throw new HoldfastError('too_large', `${what} has more than ${LIMITS.jsonElements} elements`, details);
  }
}

/** Position of the quote that ends the string which begins at `from`; the text's end if none does. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) at++;
  }
  return text.length;
}
