import type { WriteOutcome } from '@holdfast/core';
import type { Answer } from './call.ts';
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
   * Blocks those items whose record is locked, or inserted and not committed; false when none is.
   * The others are locked for the moment of the call.
   */
  async leaveOut(items: readonly Placed[], outcomes: Outcomes): Promise<boolean> {
    const records = `select t.id from ${idsTable(items.map(({ id }) => id))} ${byKey(this.#tables, 'k')}`;
    const answers = await this.#connection.call({
      changes: true,
      statements: [`${records} for update skip locked`, records],
    });
    // Shows also what another client has inserted and not committed, for which an insert would wait.
    const [, dirty] = await this.#connection.call({
      changes: false,
      statements: ['set transaction isolation level read uncommitted', records],
    });
    const idsOf = (answer: Answer | undefined): string[] => (answer?.rows ?? []).map((row) => string(row['id']));
    const free = new Set(idsOf(answers[0]));
    const stored = new Set([...idsOf(answers[1]), ...idsOf(dirty)]);
    let found = false;
    for (const { id, at } of items) {
      if (!stored.has(id) || free.has(id)) {
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
