import type { WriteOutcome } from '@holdfast/core/store';
import { LockedIds } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import type { Numbered } from './batch.ts';
import type { Connection } from './connection.ts';
import { heldKeys } from './held-keys.ts';
import { keyArrays } from './read.ts';
import { idOf } from './records.ts';
import { LOCKED } from './statements/index.ts';

/** The outcomes of a batch's items, in their order; undefined until known. */
export type Outcomes = (WriteOutcome | undefined)[];

const BLOCKED: WriteOutcome = {
  kind: 'blocked',
  why: 'another client of the database has the record locked: pg_locks and pg_stat_activity show which',
};

/**
 * Finds the records of a batch that other clients of the database have locked, so that they can be
 * left out. A record that was locked is checked before the next batch, which would otherwise wait
 * for it again.
 */
export class LockedRecords {
  readonly #connection: Connection;
  readonly #known = new LockedIds();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Blocks the items whose record was locked before and still is. Costs nothing while no record is
   * known to be locked.
   */
  async leaveOutKnown(items: readonly Numbered[], outcomes: Outcomes): Promise<void> {
    const suspects = this.#known.amongst(items, ({ item }) => idOf(item.key));
    if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
  }

  /**
   * Blocks the items whose record is locked, or inserted and not committed. Returns false if there
   * are none.
   */
  async leaveOut(items: readonly Numbered[], outcomes: Outcomes): Promise<boolean> {
    const rows = await this.#connection.query(LOCKED, keyArrays(items.map(({ item }) => item.key)));
    const inserts = items.flatMap(({ item }) => (item.kind === 'insert' ? [item.key] : []));
    const held = await heldKeys(this.#connection, inserts);
    const locked = new Set([...rows.map((row) => row as unknown as TransactionKey), ...held].map(idOf));
    for (const { item, at } of items) {
      const id = idOf(item.key);
      const isLocked = locked.has(id);
      if (isLocked) outcomes[at] = BLOCKED;
      this.#known.note(id, isLocked);
    }
    return locked.size > 0;
  }
}
