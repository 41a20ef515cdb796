import type { WriteOutcome } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import type { Numbered } from './batch.ts';
import type { Connection } from './connection.ts';
import { heldKeys } from './held-keys.ts';
import { keyArrays } from './read.ts';
import { idOf } from './rows.ts';
import { LOCKED } from './statements/index.ts';

/** What became of the items of a batch, in their order; undefined: nothing yet. */
export type Outcomes = (WriteOutcome | undefined)[];

/** Records that are remembered as locked. */
const MOST = 10_000;

const BLOCKED: WriteOutcome = {
  kind: 'blocked',
  why: 'another client of the database has the record locked: pg_locks and pg_stat_activity show which',
};

/**
 * Finds the records of a batch that other clients of the database have locked, so that they are
 * left out of it. One that was locked is looked for before a later batch, which would wait for it
 * in vain.
 */
export class LockedRecords {
  readonly #connection: Connection;
  readonly #known = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Blocks those items whose record was locked before and still is. Costs nothing while no record
   * is known to be.
   */
  async leaveOutKnown(items: readonly Numbered[], outcomes: Outcomes): Promise<void> {
    if (this.#known.size === 0) return;
    const suspects = items.filter(({ item }) => this.#known.has(idOf(item.key)));
    if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
  }

  /**
   * Blocks those items whose record is locked, or inserted and not committed; false when none is.
   */
  async leaveOut(items: readonly Numbered[], outcomes: Outcomes): Promise<boolean> {
    const rows = await this.#connection.query(LOCKED, keyArrays(items.map(({ item }) => item.key)));
    const inserts = items.flatMap(({ item }) => (item.kind === 'insert' ? [item.key] : []));
    const held = await heldKeys(this.#connection, inserts);
    const locked = new Set([...rows.map((row) => row as unknown as TransactionKey), ...held].map(idOf));
    for (const { item, at } of items) {
      const id = idOf(item.key);
      if (!locked.has(id)) {
        this.#known.delete(id);
        continue;
      }
      outcomes[at] = BLOCKED;
      if (this.#known.size < MOST) this.#known.add(id);
    }
    return locked.size > 0;
  }
}
