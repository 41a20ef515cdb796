import { HoldfastError, LIMITS } from '@holdfast/protocol';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
/** A text that is no longer holds neither too many levels, each of which takes two characters, nor too many values. */
const ALWAYS_FINE = Math.min(2 * LIMITS.jsonDepth, LIMITS.jsonValues);

/**
 * Counts levels and values of a JSON text before it is parsed: to parse a few megabytes of brackets takes seconds. Small texts, which is nearly all, are
 * not looked at. Throws `invalid` for too many levels, `too_large` for too many values.
 * @param what the text, as an error names it: `the body`, or a field
 */
export function checkJsonBounds(text: string, what = 'the body', field?: string): void {
  if (text.length <= ALWAYS_FINE) return;
  const details = field === undefined ? {} : { field };
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === COMMA) values++;
    else if (OPENING.has(unit)) {
      values++;
      if (++depth > LIMITS.jsonDepth)
        throw new HoldfastError('invalid', `${what} has more than ${LIMITS.jsonDepth} levels of nesting`, details);
    } else if (CLOSING.has(unit)) depth--;
    if (values > LIMITS.jsonValues)
      throw new HoldfastError('too_large', `${what} has more than ${LIMITS.jsonValues} values`, details);
  }
}

/** Position of the quote that ends the string which begins at `from`; the text's end if none does. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((at - escapes) % 2 === 0) return at;
  }
  return text.length;
}
