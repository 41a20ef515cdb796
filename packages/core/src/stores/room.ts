import type { StoredTransaction } from '../store.ts';
import { STORE_LIMITS } from './rules.ts';

/** Bytes of the bodies of a record: definition, state and entries. */
export const bodyBytes = ({
  definition,
  state,
  entries,
}: Pick<StoredTransaction, 'definition' | 'state' | 'entries'>) =>
  entries.reduce((sum, { body }) => sum + body.length, definition.length + state.length);

/**
 * What is left of a page or a claim, in records and in bytes. The first record fits whatever its
 * size, so that every call makes progress.
 */
export class Room {
  #records: number;
  #bytes: number;
  #empty = true;

  constructor(limit: number, maxBytes: number = STORE_LIMITS.answerBytes) {
    this.#records = limit;
    this.#bytes = maxBytes;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a record with bodies of this size fits; it is counted then. */
  take(bytes: number): boolean {
    if (this.#records === 0 || (bytes > this.#bytes && !this.#empty)) return false;
    this.#records--;
    this.#bytes = Math.max(0, this.#bytes - bytes);
    this.#empty = false;
    return true;
  }

  /** Another node took a record that was counted. */
  giveBack(bytes: number): void {
    this.#records++;
    this.#bytes += bytes;
  }
}
