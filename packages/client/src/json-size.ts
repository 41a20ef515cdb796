import { types } from 'node:util';

/** More than any reader accepts: requests may have 500. */
const MOST_LEVELS = 1_500;
/** Of a Date, with its quotes. */
const DATE_CHARACTERS = 26;
/** Of the JSON of a Buffer without bytes. */
const BUFFER_CHARACTERS = 26;

/** An object that determines its JSON form. */
interface WithToJson {
  toJSON?: (key: string) => unknown;
}

/**
 * Whether the JSON of a value takes more characters than the limit. Visits no more parts of the
 * value than fit, so that a value of hundreds of MB is recognised without being written. Escapes in
 * strings are not counted: the JSON of a value for which this returns false may be up to six times
 * as long. Also true for a value with too many levels, and false for a value that JSON.stringify
 * rejects. Never throws.
 */
export function exceedsJson(value: unknown, limit: number): boolean {
  const count = new Count(limit);
  try {
    count.add(value, '', 0);
  } catch (error) {
    // Too many levels for what is left of the stack. Otherwise a getter or `toJSON` of the value
    // threw, as it will for JSON.stringify.
    return error instanceof RangeError;
  }
  return count.isOver;
}

class Count {
  #left: number;
  /** The objects around the current one: JSON.stringify rejects a reference to one of them. */
  readonly #around = new Set<object>();

  constructor(limit: number) {
    this.#left = limit;
  }

  get isOver(): boolean {
    return this.#left < 0;
  }

  add(value: unknown, key: string, level: number): void {
    if (typeof value === 'object' && value !== null) {
      if (level === MOST_LEVELS) this.#left = -1;
      else this.#addObject(value, key, level);
    } else this.#left -= primitiveCharacters(value);
  }

  #addObject(object: object, key: string, level: number): void {
    const known = knownCharacters(object);
    if (known !== undefined) {
      this.#left -= known;
      return;
    }
    if (this.#around.has(object)) return;
    this.#around.add(object);
    const { toJSON } = object as WithToJson;
    const json = typeof toJSON === 'function' ? toJSON.call(object, key) : object;
    if (Array.isArray(json)) this.#addItems(json, level);
    else if (typeof json === 'object' && json !== null) this.#addMembers(json, level);
    else this.#left -= primitiveCharacters(json);
    this.#around.delete(object);
  }

  /** Brackets and commas, and at least one character for each item. */
  #addItems(items: readonly unknown[], level: number): void {
    this.#left -= items.length + 1;
    if (this.#left < items.length) this.#left = -1;
    for (let index = 0; index < items.length && !this.isOver; index++) this.add(items[index], `${index}`, level + 1);
  }

  #addMembers(object: object, level: number): void {
    const known = knownCharacters(object);
    this.#left -= known ?? 2;
    if (known !== undefined) return;
    for (const key in object) {
      if (this.isOver) return;
      if (!Object.hasOwn(object, key)) continue;
      const member = (object as Record<string, unknown>)[key];
      // JSON leaves it out.
      if (member === undefined || typeof member === 'function' || typeof member === 'symbol') continue;
      this.#left -= key.length + 3;
      this.add(member, key, level + 1);
    }
  }
}

/** Of an object whose length is known without its members; undefined: of any other one. */
function knownCharacters(object: object): number | undefined {
  // The JSON of a Buffer lists its bytes; that of another view has a member for each element.
  if (Buffer.isBuffer(object)) return BUFFER_CHARACTERS + 2 * object.length;
  if (ArrayBuffer.isView(object)) return object instanceof DataView ? 2 : 2 * (object as Uint8Array).length;
  if (types.isStringObject(object)) return object.length + 2;
  if (types.isBoxedPrimitive(object)) return 1;
  return object instanceof Date ? DATE_CHARACTERS : undefined;
}

function primitiveCharacters(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return value.length + 2;
    case 'number':
      return Number.isFinite(value) ? String(value).length : 4;
    default:
      // Of `null`, which also replaces what JSON cannot hold in an array, and of `true`.
      return 4;
  }
}
