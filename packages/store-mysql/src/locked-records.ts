import type { WriteOutcome } from '@holdfast/core/store';
import { LockedIds } from '@holdfast/core/store-kit';
import type { StatementResult } from './call.ts';
import type { Connection } from './connection.ts';
import { idsTable } from './read.ts';
import { string } from './records.ts';
import { byKey, type Tables } from './schema.ts';

/** The outcomes of a batch's items, in their order; undefined until known. */
export type Outcomes = (WriteOutcome | undefined)[];

/** An item: the ID of its record, and its index in the batch. */
interface Placed {
  readonly id: string;
  readonly at: number;
}

const BLOCKED: WriteOutcome = {
  kind: 'blocked',
  why: 'another client of the database has the record locked: information_schema.innodb_trx shows which',
};

/**
 * Finds the records of a batch that other clients of the database have locked, so that they can be
 * left out. A record that was locked is checked before the next batch, which would otherwise wait
 * for it again.
 */
export class LockedRecords {
  readonly #connection: Connection;
  readonly #tables: Tables;
  readonly #known = new LockedIds();

  constructor(connection: Connection, tables: Tables) {
    this.#connection = connection;
    this.#tables = tables;
  }

  /**
   * Blocks the items whose record was locked before and still is. Costs nothing while no record is
   * known to be locked.
   */
  async leaveOutKnown(items: readonly Placed[], outcomes: Outcomes): Promise<void> {
    const suspects = this.#known.amongst(items, ({ id }) => id);
    if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
  }

  /**
   * Blocks the items whose record is locked, or inserted and not committed. Returns false if there
   * are none. The others are locked for the duration of the call.
   */
  async leaveOut(items: readonly Placed[], outcomes: Outcomes): Promise<boolean> {
    const records = `select t.id from ${idsTable(items.map(({ id }) => id))} ${byKey(this.#tables, 'k')}`;
    const results = await this.#connection.call({
      changes: true,
      statements: [`${records} for update skip locked`, records],
    });
    // Includes rows that another client has inserted and not committed, for which an insert would
    // wait.
    const [, dirty] = await this.#connection.call({
      changes: false,
      statements: ['set transaction isolation level read uncommitted', records],
    });
    const idsOf = (result: StatementResult | undefined): string[] =>
      (result?.rows ?? []).map((row) => string(row['id']));
    const free = new Set(idsOf(results[0]));
    const stored = new Set([...idsOf(results[1]), ...idsOf(dirty)]);
    let found = false;
    for (const { id, at } of items) {
      const isLocked = stored.has(id) && !free.has(id);
      this.#known.note(id, isLocked);
      if (!isLocked) continue;
      found = true;
      outcomes[at] = BLOCKED;
    }
    return found;
  }
}
