import type { WriteOutcome } from '@holdfast/core';
import type { Connection } from './connection.ts';
import { idsTable } from './read.ts';
import { string } from './rows.ts';
import { byKey, type Tables } from './schema.ts';

/** What became of the items of a batch, in their order; undefined: nothing yet. */
export type Outcomes = (WriteOutcome | undefined)[];

/** An item by the id of its record and its place in the batch. */
interface Placed {
  readonly id: string;
  readonly at: number;
}

/** Records that are remembered as locked. */
const MOST = 10_000;

const BLOCKED: WriteOutcome = {
  kind: 'blocked',
  why: 'another client of the database has the record locked: information_schema.innodb_trx shows which',
};

/**
 * Finds the records of a batch that other clients of the database have locked, so that they are
 * left out of it. One that was locked is looked for before a later batch, which would wait for it
 * in vain.
 */
export class LockedRecords {
  readonly #connection: Connection;
  readonly #tables: Tables;
  readonly #known = new Set<string>();

  constructor(connection: Connection, tables: Tables) {
    this.#connection = connection;
    this.#tables = tables;
  }

  /**
   * Blocks those items whose record was locked before and still is. Costs nothing while no record
   * is known to be.
   */
  async leaveOutKnown(items: readonly Placed[], outcomes: Outcomes): Promise<void> {
    if (this.#known.size === 0) return;
    const suspects = items.filter(({ id }) => this.#known.has(id));
    if (suspects.length > 0) await this.leaveOut(suspects, outcomes);
  }

  /**
   * Blocks those items whose record is locked; false when none is. The others are locked for the
   * moment of the call.
   */
  async leaveOut(items: readonly Placed[], outcomes: Outcomes): Promise<boolean> {
    const records = `select t.id from ${idsTable(items.map(({ id }) => id))} ${byKey(this.#tables, 'k')}`;
    const answers = await this.#connection.call({
      changes: true,
      statements: [`${records} for update skip locked`, records],
    });
    const [free, stored] = answers.map(({ rows }) => new Set(rows.map((row) => string(row['id']))));
    let found = false;
    for (const { id, at } of items) {
      if (stored?.has(id) !== true || free?.has(id) === true) {
        this.#known.delete(id);
        continue;
      }
      found = true;
      outcomes[at] = BLOCKED;
      if (this.#known.size < MOST) this.#known.add(id);
    }
    return found;
  }
}
