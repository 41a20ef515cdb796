import type { TransactionKey } from '@holdfast/protocol';
import type { Clock } from '../environment.ts';
import type { Store, StoredTransaction } from '../store/store.ts';

interface SharedReadsDependencies<T> {
  readonly store: Pick<Store, 'get'>;
  readonly clock: Pick<Clock, 'endOfTurn'>;
  /** Converts a record, once for all of its readers. */
  readonly convert: (record: StoredTransaction) => T;
}

/** A read that was requested and has not begun. */
interface Wanted<T> {
  readonly key: TransactionKey;
  readonly result: Promise<T | undefined>;
  readonly resolve: (value: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Records read at once. */
const READ_BATCH = 32;

/**
 * Reads of records in batches, one after the other. Requests for one record share a read, and the
 * object that it returns.
 *
 * SR1 A read begins after its request, so that it returns what was durable at that time, or newer.
 */
export class SharedReads<T> {
  readonly #d: SharedReadsDependencies<T>;
  readonly #wanted = new Map<string, Wanted<T>>();
  #isReading = false;

  constructor(dependencies: SharedReadsDependencies<T>) {
    this.#d = dependencies;
  }

  /** Resolves to the converted record; undefined if there is none. Rejects with a `StoreError`. */
  read(id: string, key: TransactionKey): Promise<T | undefined> {
    const known = this.#wanted.get(id);
    if (known !== undefined) return known.result;
    let resolve!: Wanted<T>['resolve'];
    let reject!: Wanted<T>['reject'];
    const result = new Promise<T | undefined>((...settle) => ([resolve, reject] = settle));
    this.#wanted.set(id, { key, result, resolve, reject });
    if (!this.#isReading) {
      this.#isReading = true;
      this.#d.clock.endOfTurn(() => void this.#readAll());
    }
    return result;
  }

  async #readAll(): Promise<void> {
    while (this.#wanted.size > 0) await this.#readBatch(this.#take());
    this.#isReading = false;
  }

  #take(): readonly Wanted<T>[] {
    const batch: Wanted<T>[] = [];
    for (const [id, wanted] of this.#wanted) {
      if (batch.length === READ_BATCH) break;
      this.#wanted.delete(id);
      batch.push(wanted);
    }
    return batch;
  }

  async #readBatch(batch: readonly Wanted<T>[]): Promise<void> {
    try {
      const records = await this.#d.store.get(batch.map(({ key }) => key));
      for (const [i, wanted] of batch.entries()) this.#settle(wanted, records[i]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** A record that cannot be converted does not affect the others. */
  #settle({ resolve, reject }: Wanted<T>, record: StoredTransaction | undefined): void {
    try {
      resolve(record === undefined ? undefined : this.#d.convert(record));
    } catch (error) {
      reject(error);
    }
  }
}
