/**
 * Positions of the parts of a JSON text, so that a part can be passed on with its spelling: parsing
 * and writing numbers loses digits. The text must be valid for `JSON.parse`.
 */
export interface JsonSpan {
  readonly start: number;
  /** Position after its last character. */
  readonly end: number;
}

/** Number of characters scanned at once. */
const PIECE = 16 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/**
 * The members of the object at `start`, by name; for a repeated name the last one, as in
 * `JSON.parse`. Empty if the value is not an object.
 */
export function jsonMembers(text: string, start = 0): ReadonlyMap<string, JsonSpan> {
  const members = new Map<string, JsonSpan>();
  let at = skipBlanks(text, start);
  if (text[at] !== '{') return members;
  at = skipBlanks(text, at + 1);
  while (text[at] === '"') {
    const nameEnd = endOfString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const valueStart = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const end = endOfValue(text, valueStart);
    members.set(name, { start: valueStart, end });
    at = nextItem(text, end);
  }
  return members;
}

/** The items of the array at `start`, in order. Empty if the value is not an array. */
export function jsonItems(text: string, start = 0): readonly JsonSpan[] {
  const items: JsonSpan[] = [];
  let at = skipBlanks(text, start);
  if (text[at] !== '[') return items;
  at = skipBlanks(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at);
    items.push({ start: at, end });
    at = nextItem(text, end);
  }
  return items;
}

/** `jsonMembers` for a long text; yields after each piece. */
export function* jsonMembersInPieces(text: string, start = 0): Generator<undefined, ReadonlyMap<string, JsonSpan>> {
  const members = new Map<string, JsonSpan>();
  let at = skipBlanks(text, start);
  if (text[at] !== '{') return members;
  at = skipBlanks(text, at + 1);
  for (let pieceEnd = at + PIECE; text[at] === '"';) {
    const nameEnd = endOfString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const valueStart = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const end = yield* endOfValueInPieces(text, valueStart);
    members.set(name, { start: valueStart, end });
    at = nextItem(text, end);
    if (at < pieceEnd) continue;
    yield;
    pieceEnd = at + PIECE;
  }
  return members;
}

/** `jsonItems` for a long text; yields after each piece. */
export function* jsonItemsInPieces(text: string, start = 0): Generator<undefined, readonly JsonSpan[]> {
  const items: JsonSpan[] = [];
  let at = skipBlanks(text, start);
  if (text[at] !== '[') return items;
  at = skipBlanks(text, at + 1);
  for (let pieceEnd = at + PIECE; at < text.length && text[at] !== ']';) {
    const end = yield* endOfValueInPieces(text, at);
    items.push({ start: at, end });
    at = nextItem(text, end);
    if (at < pieceEnd) continue;
    yield;
    pieceEnd = at + PIECE;
  }
  return items;
}

/** The start of the item after a comma, or the closing bracket. */
function nextItem(text: string, end: number): number {
  const at = skipBlanks(text, end);
  return text[at] === ',' ? skipBlanks(text, at + 1) : at;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

function endOfString(text: string, start: number): number {
  const first = text.indexOf('"', start + 1);
  if (first >= 0 && text.charCodeAt(first - 1) !== BACKSLASH) return first + 1;
  // A string with a backslash before a quote is scanned by character: it may consist of such
  // escapes.
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) at++;
  }
  return text.length;
}

/** Position `at` within a value that is being scanned, inside `depth` lists and objects. */
interface Place {
  at: number;
  depth: number;
}

const endOfValue = (text: string, start: number): number => {
  const place = { at: start, depth: 0 };
  readValue(text, place, text.length);
  return place.at;
};

function* endOfValueInPieces(text: string, start: number): Generator<undefined, number> {
  const place = { at: start, depth: 0 };
  while (!readValue(text, place, place.at + PIECE)) yield;
  return place.at;
}

/**
 * Scans to the end of the value or to `limit`; returns whether the end was reached. Brackets are
 * counted without recursion, since the sender determines the depth of the text.
 */
function readValue(text: string, place: Place, limit: number): boolean {
  let { at, depth } = place;
  let isEnd = false;
  while (!isEnd && at < text.length && at <= limit) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        isEnd = depth === 0;
        break;
      case OBJECT:
      case LIST:
        depth++;
        at++;
        break;
      case OBJECT_END:
      case LIST_END:
        // The end of the list or object that contains a number or literal.
        isEnd = depth === 0;
        if (isEnd) break;
        depth--;
        at++;
        isEnd = depth === 0;
        break;
      default:
        isEnd = depth === 0 && (text.charCodeAt(at) === COMMA || isBlank(text.charCodeAt(at)));
        if (!isEnd) at++;
    }
  }
  place.at = at;
  place.depth = depth;
  return isEnd || at >= text.length;
}
