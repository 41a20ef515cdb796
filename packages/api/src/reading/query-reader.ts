import { HoldfastError, shown } from '@holdfast/protocol';

/** Reads query parameters; a parameter with an invalid value is `invalid`, never ignored. */
export class QueryReader {
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  /** Empty if absent. */
  text(name: string): string {
    return this.#query.get(name) ?? '';
  }

  /** Undefined if absent or empty. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || !Number.isSafeInteger(value))
      throw new HoldfastError('invalid', `must be a whole number, not ${shown(text)}`, {
        field: [name],
      });
    return value;
  }

  /** Undefined if absent or empty. */
  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw new HoldfastError('invalid', 'must be true or false', { field: [name] });
  }

  /** Undefined if absent or empty. */
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const value = values.find((one) => one === text);
    if (value === undefined)
      throw new HoldfastError('invalid', `must be one of ${values.join(', ')}`, { field: [name] });
    return value;
  }
}

/** Default size of a page. */
export const DEFAULT_PAGE_SIZE = 100;
