import { MESSAGE_BARRIER } from '@holdfast/protocol';
import { type Barrier, type BarrierOutcome, type BranchKey, LocalTransactionRefused } from './barrier.ts';
import type { BarrierDriver, BarrierPurge, BarrierRow } from './driver.ts';
import { readResult, resultText } from './results.ts';
import { messageRow, refusalRow, rowsOf, undoingRow, undoneBefore } from './rows.ts';
import { Uses } from './uses.ts';

/** Two transactions may lose against each other; a third time in a row, and so on, is rare even where a hundred meet. */
const MOST_ATTEMPTS = 10;
const LARGEST_PURGE = 10_000;

/** A barrier in a database that transactions of the application can share. */
export interface DatabaseBarrier<Tx extends Open, Open = Tx> extends Barrier<Tx> {
  /**
   * As `run`, but in a transaction that the caller began and will commit: for those who have their transactions from elsewhere, such as an ORM.
   *
   *     await orm.transaction(async (tx) => {
   *       await barrier.within(tx.connection, call, () => tx.accounts.debit(call.payload.amount));
   *     });
   *
   * Call it first in the transaction, and whatever this throws, roll back: the barrier's rows are in it already, and committed without the work they would
   * keep it from ever being done. Only a commit that was answered may be told the coordinator as success.
   *
   * After a rollback it may be called again in another transaction: it takes the number of the use
   * that was rolled back.
   */
  within<T>(open: Open, call: BranchKey, work: () => T | Promise<T>): Promise<BarrierOutcome<T>>;

  /**
   * As `message`, but in a transaction that the caller began and will commit; the same rules as for `within`.
   *
   * @throws {LocalTransactionRefused} roll back
   */
  messageWithin<T>(open: Open, gid: string, work: () => T | Promise<T>): Promise<T>;

  /**
   * Deletes old rows and kept results, `limit` of each at most; resolves to the larger of the two numbers. Call it from time to time, until it resolves
   * to less than `limit`.
   *
   * A row must outlive every call that can still come: without it, an undo finds nothing to undo, and a repeated action is carried out again. So let
   * `olderThanMs` be longer than any transaction may take, with its retries, outages and the time that one waits for a person: weeks, rather than days.
   */
  purge(options: BarrierPurge): Promise<number>;

  /** Creates what is missing of the barrier's tables; for set-ups without migrations of their own (`holdfast barrier-schema` prints the statements). */
  ensureSchema(): Promise<void>;
}

/** A barrier on what a driver offers; `postgresBarrier` and `mysqlBarrier` are such. */
export function createBarrier<Tx extends Open, Open = Tx>(driver: BarrierDriver<Tx, Open>): DatabaseBarrier<Tx, Open> {
  return new DriverBarrier(driver);
}

/**
 * B1  The rows of a call are inserted before its work begins, in one transaction with it: the unique key lets one of several equal calls work, the
 *     others wait for its end and find its rows, or, if it was rolled back, the place free.
 * B2  All rows are inserted in the order of the unique key, and an action inserts only one: no two calls of a branch wait for each other's rows.
 * B3  What has run work is never tried again here: only the coordinator may call again.
 * B4  A check-back reads in a transaction that begins after the row is certain to be there, so that no snapshot is too old.
 * B5  The result is kept after the work, in its transaction: a repeated call that finds the rows finds the result, too.
 * B6  A call that was undone fails: what it is to do is not there, and never will be.
 */
class DriverBarrier<Tx extends Open, Open> implements DatabaseBarrier<Tx, Open> {
  readonly #driver: BarrierDriver<Tx, Open>;
  readonly #uses = new Uses();

  constructor(driver: BarrierDriver<Tx, Open>) {
    this.#driver = driver;
  }

  async run<T>(call: BranchKey, work: (tx: Tx) => T | Promise<T>): Promise<BarrierOutcome<T>> {
    const use = this.#uses.take(call);
    try {
      const rows = rowsOf(call, use);
      return await this.#transaction((tx, begin) => this.#pass(tx, rows, () => begin(work)));
    } catch (thrown) {
      this.#uses.giveBack(call, use);
      throw thrown;
    }
  }

  async within<T>(open: Open, call: BranchKey, work: () => T | Promise<T>): Promise<BarrierOutcome<T>> {
    for (const use of this.#uses.uncommitted(call)) {
      const rows = rowsOf(call, use);
      const fresh = await this.#insert(open, rows);
      // Its rows are gone: the caller rolled it back, and this is the next attempt.
      if (fresh.some(isOwn)) return this.#carryOut(open, rows, fresh, work);
    }
    const use = this.#uses.take(call);
    try {
      const outcome = await this.#pass(open, rowsOf(call, use), work);
      this.#uses.leaveUncommitted(call, use);
      return outcome;
    } catch (thrown) {
      this.#uses.giveBack(call, use);
      throw thrown;
    }
  }

  async message<T>(gid: string, work: (tx: Tx) => T | Promise<T>): Promise<T> {
    return this.#transaction((tx, begin) => this.messageWithin(tx, gid, () => begin(work)));
  }

  async messageWithin<T>(open: Open, gid: string, work: () => T | Promise<T>): Promise<T> {
    const [inserted] = await this.#driver.insertMissing(open, [messageRow(gid)]);
    if (inserted !== true) throw new LocalTransactionRefused(gid);
    return work();
  }

  async checkBack(gid: string): Promise<'committed' | 'refused'> {
    const row = refusalRow(gid);
    const [inserted] = await this.#transaction((tx) => this.#driver.insertMissing(tx, [row]));
    if (inserted === true) return 'refused';
    const reason = await this.#transaction((tx) => this.#driver.readReason(tx, row));
    if (reason === undefined) throw new Error(`The barrier's row of message ${gid} was deleted while it was read`);
    return reason === MESSAGE_BARRIER.refusal ? 'refused' : 'committed';
  }

  async purge({ olderThanMs, limit }: BarrierPurge): Promise<number> {
    if (!(Number.isFinite(olderThanMs) && olderThanMs >= 0))
      throw new RangeError(`olderThanMs is a number of ms from 0 on, not ${olderThanMs}`);
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PURGE))
      throw new RangeError(`limit is a whole number from 1 to ${LARGEST_PURGE}, not ${limit}`);
    return this.#driver.purge({ olderThanMs, limit });
  }

  async ensureSchema(): Promise<void> {
    return this.#driver.ensureSchema();
  }

  async #pass<T>(open: Open, rows: readonly BarrierRow[], work: () => T | Promise<T>): Promise<BarrierOutcome<T>> {
    return this.#carryOut(open, rows, await this.#insert(open, rows), work);
  }

  /** Resolves to those that were not there. */
  async #insert(open: Open, rows: readonly BarrierRow[]): Promise<readonly BarrierRow[]> {
    const inserted = await this.#driver.insertMissing(open, rows);
    return rows.filter((_, index) => inserted[index] === true);
  }

  async #carryOut<T>(
    open: Open,
    rows: readonly BarrierRow[],
    fresh: readonly BarrierRow[],
    work: () => T | Promise<T>,
  ): Promise<BarrierOutcome<T>> {
    const own = fresh.find(isOwn);
    if (own === undefined) {
      const found = rows.find(isOwn);
      await this.#refuseUndone(open, found);
      const kept = await this.#kept(open, found);
      return { ran: false, why: 'repeated', ...kept } as BarrierOutcome<T>;
    }
    if (fresh.length > 1) return { ran: false, why: 'empty' };
    const value = await work();
    const result = resultText(value);
    if (result !== undefined) await this.#driver.keepResult?.(open, own, result);
    return { ran: true, value };
  }

  /** B6. Read behind the call's own row: an undo writes its row together with that, or after it. */
  async #refuseUndone(open: Open, own: BarrierRow | undefined): Promise<void> {
    const undoing = own === undefined ? undefined : undoingRow(own);
    if (own === undefined || undoing === undefined) return;
    if ((await this.#driver.readReason(open, undoing)) !== undefined) throw undoneBefore(own);
  }

  async #kept(open: Open, own: BarrierRow | undefined): Promise<{ readonly value?: unknown }> {
    const kept = own === undefined ? undefined : await this.#driver.readResult?.(open, own);
    return readResult(kept);
  }

  /** Runs `body` in a transaction, again while it loses against others before any work has begun. */
  async #transaction<T>(body: (tx: Tx, begin: Begin<Tx>) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let begun = false;
      try {
        return await this.#driver.transaction((tx) =>
          body(tx, async (work) => {
            begun = true;
            return work(tx);
          }),
        );
      } catch (error) {
        if (begun || attempt === MOST_ATTEMPTS || !this.#driver.lostAgainstAnother(error)) throw error;
      }
    }
  }
}

/** Whether the row is that of the call itself, and not that of the op which it undoes. */
const isOwn = ({ op, reason }: BarrierRow): boolean => op === reason;

/** Runs the work, and notes that it has begun. */
type Begin<Tx> = <T>(work: (tx: Tx) => T | Promise<T>) => Promise<T>;
