import { HoldfastError } from '@holdfast/protocol';

/** Reads query parameters; a parameter that is there but cannot be read is `invalid`, never ignored. */
export class QueryReader {
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  /** Empty when it is not there. */
  text(name: string): string {
    return this.#query.get(name) ?? '';
  }

  /** Undefined when it is not there or empty. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || !Number.isSafeInteger(value))
      throw new HoldfastError('invalid', `${name}: must be a whole number, not ${JSON.stringify(text.slice(0, 64))}`, {
        field: name,
      });
    return value;
  }

  /** Undefined when it is not there or empty. */
  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw new HoldfastError('invalid', `${name}: must be true or false`, { field: name });
  }

  /** Undefined when it is not there or empty. */
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const value = values.find((one) => one === text);
    if (value === undefined)
      throw new HoldfastError('invalid', `${name}: must be one of ${values.join(', ')}`, { field: name });
    return value;
  }
}

/** A page's size when the request does not say. */
export const DEFAULT_PAGE_SIZE = 100;
