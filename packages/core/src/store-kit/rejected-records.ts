import type { StoreError, WriteOutcome } from '../store/store.ts';

/** Maximum number of records remembered as rejected. */
const MOST = 10_000;

/** One batch of a store driver. */
export interface WritableBatch<Item> {
  /** By the item's place in the batch; undefined while an item is open. */
  readonly outcomes: (WriteOutcome | undefined)[];
  /** Writes items together. If it rejects, and the cause may be one record, none is applied. */
  readonly writeAll: (items: readonly Item[]) => Promise<void>;
  /** Whether the server rejected a write for a reason that may concern one record. */
  readonly isOfOneRecord: (thrown: unknown) => thrown is StoreError;
  /** The error of the batch after another error, when items before may be applied already. */
  readonly inDoubt: (thrown: unknown) => unknown;
}

/**
 * Writes batches of which the server may reject single records: such a record is left out, and its
 * item is `blocked`. The records are remembered by ID. Each is then written alone, so that other
 * records are not written twice.
 */
export class RejectedRecords<Item extends { readonly at: number }> {
  readonly #idOf: (item: Item) => string;
  readonly #ids = new Set<string>();

  constructor(idOf: (item: Item) => string) {
    this.#idOf = idOf;
  }

  async write(items: readonly Item[], batch: WritableBatch<Item>): Promise<void> {
    if (this.#ids.size === 0) return this.#writeTogether(items, batch);
    const suspects = items.filter((item) => this.#ids.has(this.#idOf(item)));
    await this.#writeTogether(suspects.length === 0 ? items : items.filter((item) => !suspects.includes(item)), batch);
    await this.#writeEach(suspects, batch);
  }

  /** Writes items together, or each alone if the server rejects the change of one record. */
  async #writeTogether(items: readonly Item[], batch: WritableBatch<Item>): Promise<void> {
    try {
      return await batch.writeAll(items);
    } catch (thrown) {
      if (items.length === 1 || !batch.isOfOneRecord(thrown)) throw thrown;
      await this.#writeEach(items, batch);
      // The server rejected all of them, so the cause is not one record, and nothing was applied.
      if (batch.outcomes.every((outcome) => outcome?.kind === 'blocked')) throw thrown;
    }
  }

  async #writeEach(items: readonly Item[], batch: WritableBatch<Item>): Promise<void> {
    for (const item of items) {
      const id = this.#idOf(item);
      try {
        await batch.writeAll([item]);
        this.#ids.delete(id);
      } catch (thrown) {
        if (!batch.isOfOneRecord(thrown)) throw batch.inDoubt(thrown);
        if (this.#ids.size < MOST) this.#ids.add(id);
        batch.outcomes[item.at] = { kind: 'blocked', why: thrown.message };
      }
    }
  }
}
