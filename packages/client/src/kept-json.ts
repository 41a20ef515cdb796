/** The JSON of a result, or the reason why none is kept. */
export type KeptJson =
  { readonly kind: 'json'; readonly text: string } | { readonly kind: 'nothing' | 'not_json' | 'too_large' };

const MOST_LEVELS = 100;
const NOT_ASCII = /[\u007f-\uffff]/g;

/**
 * The JSON of a result from which a later reader gets the same value: null, booleans, strings,
 * finite numbers, arrays and plain objects of them. An object's members that are undefined are left
 * out, since reading them gives the same. Whatever JSON changes (a Date, a Map, an instance of a
 * class, NaN) is `not_json`. The text is ASCII, so that no character set of a connection or table
 * changes it. Never throws, and calls no code of the value except the traps of a proxy.
 *
 * @param limit bytes of the text, at most
 */
export function keptJson(value: unknown, limit: number): KeptJson {
  if (value === undefined) return { kind: 'nothing' };
  try {
    const walk = new Walk(limit);
    const fault = walk.faultOf(value, 0);
    if (fault !== undefined) return { kind: fault };
    const text = JSON.stringify(value).replace(NOT_ASCII, escaped);
    return text.length > limit ? { kind: 'too_large' } : { kind: 'json', text };
  } catch {
    return { kind: 'not_json' };
  }
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

type Fault = 'not_json' | 'too_large';

/** Visits the parts of a value, and no more of them than fit into the text. */
class Walk {
  /** Upper bound of the bytes that remain for the parts not visited yet. */
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  faultOf(value: unknown, level: number): Fault | undefined {
    switch (typeof value) {
      case 'string':
        return this.#takes(value.length + 2);
      case 'number':
        return Number.isFinite(value) ? this.#takes(1) : 'not_json';
      case 'boolean':
        return this.#takes(4);
      case 'object':
        if (value === null) return this.#takes(4);
        // An object that contains itself has no end.
        if (level === MOST_LEVELS) return 'not_json';
        return Array.isArray(value) ? this.#faultInArray(value, level) : this.#faultInObject(value, level);
      default:
        return 'not_json';
    }
  }

  #faultInArray(array: readonly unknown[], level: number): Fault | undefined {
    if (Object.getPrototypeOf(array) !== Array.prototype) return 'not_json';
    const { length } = array;
    // Brackets, and commas between the elements; each element takes its own bytes.
    const fault = this.#takes(length + 1);
    if (fault !== undefined) return fault;
    // Each index, `length`, and no other name.
    if (Reflect.ownKeys(array).length !== length + 1) return 'not_json';
    for (let index = 0; index < length; index++) {
      const within = this.#faultInMember(array, String(index), level);
      if (within !== undefined) return within;
    }
    return undefined;
  }

  #faultInObject(object: object, level: number): Fault | undefined {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== null) return 'not_json';
    const fault = this.#takes(2);
    if (fault !== undefined) return fault;
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key === 'symbol') return 'not_json';
      const within = this.#faultInMember(object, key, level);
      if (within !== undefined) return within;
    }
    return undefined;
  }

  #faultInMember(of: object, key: string, level: number): Fault | undefined {
    const member = Reflect.getOwnPropertyDescriptor(of, key);
    if (member === undefined || !('value' in member) || member.enumerable !== true) return 'not_json';
    const value: unknown = member.value;
    if (Array.isArray(of)) return this.faultOf(value, level + 1);
    // JSON leaves it out.
    if (value === undefined) return this.#takes(0);
    return this.#takes(key.length + 3) ?? this.faultOf(value, level + 1);
  }

  #takes(bytes: number): Fault | undefined {
    this.#left -= bytes;
    return this.#left < 0 ? 'too_large' : undefined;
  }
}
