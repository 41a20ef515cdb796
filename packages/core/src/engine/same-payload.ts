import { LIMITS } from '@holdfast/protocol';

/**
 * Whether two payloads are the same bytes, or JSON texts that differ only in whitespace and in the
 * spelling of characters and numbers: the previous version rewrote the payloads of `/api/v1` when
 * storing them. Numbers are compared by all their digits.
 */
export function samePayload(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.compare(a, b) === 0) return true;
  const [one, other] = [textOf(a), textOf(b)];
  return haveSameTokens(one, other) && isJson(one) && isJson(other);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const MINUS = 0x2d;

/**
 * Compares texts token by token up to the first difference, so that a long payload that differs is
 * neither parsed nor serialised. The result means something only if both texts are JSON. Returns
 * false for texts nested deeper than a request may be, which take `JSON.parse` seconds.
 */
function haveSameTokens(a: string, b: string): boolean {
  const same = sameStart(a, b);
  let [i, j, depth] = [same.end, same.end, same.depth];
  for (;;) {
    i = skipBlanks(a, i);
    j = skipBlanks(b, j);
    if (i >= a.length || j >= b.length) return i >= a.length && j >= b.length;
    const unit = a.charCodeAt(i);
    const other = b.charCodeAt(j);
    if (unit === QUOTE && other === QUOTE) {
      const [endA, endB] = [endOfString(a, i), endOfString(b, j)];
      if (!areSameStrings(a.slice(i, endA), b.slice(j, endB))) return false;
      [i, j] = [endA, endB];
    } else if (beginsNumber(unit) && beginsNumber(other)) {
      const [startA, startB] = [i, j];
      // Most numbers are spelled alike, and there may be half a million.
      while (isInNumber(a.charCodeAt(i)) && a.charCodeAt(i) === b.charCodeAt(j)) {
        i++;
        j++;
      }
      if (!isInNumber(a.charCodeAt(i)) && !isInNumber(b.charCodeAt(j))) continue;
      const [endA, endB] = [endOfNumber(a, startA), endOfNumber(b, startB)];
      if (plainNumber(a.slice(startA, endA)) !== plainNumber(b.slice(startB, endB))) return false;
      [i, j] = [endA, endB];
    } else {
      if (unit !== other) return false;
      if ((unit === LIST || unit === OBJECT) && ++depth > LIMITS.jsonDepth) return false;
      if (unit === LIST_END || unit === OBJECT_END) depth--;
      i++;
      j++;
    }
  }
}

/**
 * Finds the end of the tokens that both texts share at the start, spelled alike, and the depth
 * there. Long texts are mostly equal, and scanning one of them takes a fifth of the time of a
 * comparison token by token.
 */
function sameStart(a: string, b: string): { readonly end: number; readonly depth: number } {
  const length = sameLength(a, b);
  let [at, depth] = [0, 0];
  while (at < length) {
    const unit = a.charCodeAt(at);
    const start = at;
    if (unit === QUOTE) at = endOfString(a, at);
    else if (beginsNumber(unit)) at = endOfNumber(a, at);
    else at++;
    // A string or number may continue differently after the shared part.
    if (at > length || (at === length && beginsNumber(unit))) return { end: start, depth };
    if (unit === LIST || unit === OBJECT) {
      // Found again, and rejected, by the comparison.
      if (depth === LIMITS.jsonDepth) return { end: start, depth };
      depth++;
    } else if (unit === LIST_END || unit === OBJECT_END) depth--;
  }
  return { end: at, depth };
}

/**
 * The length of the common prefix of two texts, by bisection: comparing long slices takes almost no
 * time.
 */
function sameLength(a: string, b: string): number {
  let [same, most] = [0, Math.min(a.length, b.length)];
  while (same < most) {
    const middle = Math.ceil((same + most) / 2);
    if (a.slice(same, middle) === b.slice(same, middle)) same = middle;
    else most = middle - 1;
  }
  return same;
}

function areSameStrings(a: string, b: string): boolean {
  if (a === b) return true;
  // An invalid string is detected when the whole text is parsed.
  return (a.includes('\\') || b.includes('\\')) && isJson(a) && isJson(b) && JSON.parse(a) === JSON.parse(b);
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (isInNumber(text.charCodeAt(at))) at++;
  return at;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

const isBlank = (unit: number): boolean => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;
const beginsNumber = (unit: number): boolean => isDigit(unit) || unit === MINUS;
/** A digit, a sign, a point or an exponent. */
const isInNumber = (unit: number): boolean =>
  isDigit(unit) || unit === MINUS || unit === 0x2b || unit === 0x2e || unit === 0x45 || unit === 0x65;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;

/** A JSON number by its digits and its power of ten: 1.10, 1.1 and 11e-1 are equal. */
function plainNumber(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  // A number with a longer exponent is compared as spelled.
  if (sign === undefined) return text;
  const all = whole + fraction;
  let [from, to] = [0, all.length];
  while (from < to && all[from] === '0') from++;
  while (to > from && all[to - 1] === '0') to--;
  if (from === to) return '0';
  return `${sign}${all.slice(from, to)}e${Number(exponent) - fraction.length + (all.length - to)}`;
}
