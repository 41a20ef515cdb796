/**
 * Where the parts of a JSON text are, so that a part can be passed on as it is spelled: parsed and written again, numbers lose digits.
 *
 * The text must be one that `JSON.parse` accepts.
 */
export interface JsonSpan {
  readonly start: number;
  /** Behind its last character. */
  readonly end: number;
}

/** The members of the object at `start`, by name; of a name that occurs twice the last one, as `JSON.parse` takes it. Empty: it is not an object. */
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

/** The items of the array at `start`, in their order. Empty: it is not an array. */
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

/** The start of the item behind a comma, or the closing bracket. */
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
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}

/** Brackets are counted, not descended into: the depth of a text is its sender's choice. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length;) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case '{':
      case '[':
        depth++;
        at++;
        break;
      case '}':
      case ']':
        // That of a list or object around a number.
        if (depth === 0) return at;
        depth--;
        at++;
        break;
      default:
        if (depth === 0 && (text[at] === ',' || isBlank(text.charCodeAt(at)))) return at;
        at++;
        continue;
    }
    if (depth === 0) return at;
  }
  return text.length;
}
