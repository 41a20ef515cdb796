import type { StoredTransaction } from '../store/store.ts';
import { STORE_LIMITS } from '../store/rules.ts';

/** Total size of a record's bodies (definition, state and entries), in bytes. */
export const bodyBytes = ({
  definition,
  state,
  entries,
}: Pick<StoredTransaction, 'definition' | 'state' | 'entries'>) =>
  entries.reduce((sum, { body }) => sum + body.length, definition.length + state.length);

/**
 * Remaining room of a page or a claim, in records and bytes. The first record fits whatever its
 * size, so that every call makes progress.
 */
export class Room {
  #records: number;
  #bytes: number;
  #empty = true;

  constructor(limit: number, maxBytes: number = STORE_LIMITS.responseBytes) {
    this.#records = limit;
    this.#bytes = maxBytes;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a record with bodies of this size fits; if so, it is counted. */
  take(bytes: number): boolean {
    if (this.#records === 0 || (bytes > this.#bytes && !this.#empty)) return false;
    this.#records--;
    this.#bytes = Math.max(0, this.#bytes - bytes);
    this.#empty = false;
    return true;
  }

  /** Returns the room of a counted record that another node has taken. */
  giveBack(bytes: number): void {
    this.#records++;
    this.#bytes += bytes;
  }
}
