import { MESSAGE_BARRIER } from '@holdfast/protocol';
import {
  type Barrier,
  type BarrierOutcome,
  type BranchKey,
  CommitUnknown,
  LocalTransactionRefused,
} from './barrier.ts';
import type { BarrierDialect, BarrierPurge, BarrierRow } from './dialect.ts';
import { BarrierUseUnclear, TransactionEnded } from './errors.ts';
import type { JsonResult, ResultOptions } from '../result-types.ts';
import { type Codec, keptResult, readResult, unavailable, unkeptRow } from './results.ts';
import { inUse, messageRow, refusalRow, rowsOf, undoingRow, undoneBefore } from './rows.ts';
import { noteEmptyUndo } from '../participants/unguarded-work.ts';
import { forbidsMore, type Use, type Uses, usesOf } from './uses.ts';

/**
 * Two transactions may conflict repeatedly; many conflicts in a row are rare even among a hundred
 * transactions.
 */
const MOST_ATTEMPTS = 10;
const LARGEST_PURGE = 10_000;
const MOST_CAUSES = 10;

/** A barrier in a database that transactions of the application can share. */
export interface DatabaseBarrier<Tx extends Open, Open = Tx> extends Barrier<Tx> {
  /**
   * As `run`, but in a transaction that the caller began and will commit, for example with an ORM.
   *
   *     await orm.transaction(async (tx) => {
   *       await barrier.within(tx.connection, call, () => tx.accounts.debit(call.payload.amount));
   *     });
   *
   * Call `within` first in the transaction, and roll back after any error that it throws: the
   * transaction then contains the barrier's rows, which, committed without the work, would prevent
   * the work forever. Return success to the coordinator only after the database has confirmed the
   * commit.
   *
   * Several uses in one transaction are counted. The barrier does not see whether the transaction
   * is committed: a handler that uses another transaction, because it rolled back the first or
   * because it writes to a second database, numbers the uses, `{ ...call, use: 1 }`.
   *
   * @throws {BarrierUseUnclear} the handler did not number the uses
   */
  within<T>(open: Open, call: BranchKey, work: (() => T | Promise<T>) & JsonResult<T>): Promise<BarrierOutcome<T>>;
  within<T>(
    open: Open,
    call: BranchKey,
    work: () => T | Promise<T>,
    options: ResultOptions<NoInfer<T>>,
  ): Promise<BarrierOutcome<T>>;

  /**
   * As `message`, but in a transaction that the caller began and will commit; the same rules as for
   * `within`.
   *
   * @throws {LocalTransactionRefused} roll back
   */
  messageWithin<T>(open: Open, gid: string, work: () => T | Promise<T>): Promise<T>;

  /**
   * Deletes old rows and kept results, at most `limit` of each; resolves to the larger of the two
   * numbers. Call `purge` regularly, each time until it resolves to less than `limit`.
   *
   * A row must outlive every call that can still come: without the row, an undo finds nothing to
   * undo, and a repeated action is carried out again. Set `olderThanMs` to more than any
   * transaction may take, including retries, outages and the time that it needs operator attention:
   * weeks, rather than days.
   */
  purge(options: BarrierPurge): Promise<number>;

  /**
   * Creates missing tables of the barrier, for installations without migrations (`holdfast
   * barrier-schema` prints the statements).
   */
  ensureSchema(): Promise<void>;
}

/** Creates a barrier over a dialect; `postgresBarrier` and `mysqlBarrier` are such barriers. */
export function createBarrier<Tx extends Open, Open = Tx>(
  dialect: BarrierDialect<Tx, Open>,
): DatabaseBarrier<Tx, Open> {
  return new DialectBarrier(dialect);
}

/**
 * B1  The rows of a call are inserted before its work begins, in one transaction with it. The
 *     unique key lets one of several equal calls work. The others wait for the end of its
 *     transaction, and then find its rows, or insert theirs if it was rolled back.
 * B2  All rows are inserted in the order of the unique key, and an action inserts only one: no two
 *     calls of a branch wait for each other's rows.
 * B3  The barrier never repeats a transaction whose work has begun: only the coordinator may call
 *     again.
 * B4  A check-back reads in a transaction that begins after the row is certain to be there, so that
 *     no snapshot is too old.
 * B5  The result, or the reason why it cannot be kept, is stored after the work, in its
 *     transaction: a repeated call that finds the rows finds the result, too.
 * B6  A call that was undone fails: its effect does not exist, and never will.
 */
class DialectBarrier<Tx extends Open, Open> implements DatabaseBarrier<Tx, Open> {
  readonly #dialect: BarrierDialect<Tx, Open>;
  readonly #uses: Uses;

  constructor(dialect: BarrierDialect<Tx, Open>) {
    this.#dialect = dialect;
    const { pool, table } = dialect.place ?? { pool: dialect, table: '' };
    this.#uses = usesOf(pool, table);
  }

  async run<T>(
    call: BranchKey,
    work: (tx: Tx) => T | Promise<T>,
    options?: ResultOptions<T>,
  ): Promise<BarrierOutcome<T>> {
    return this.#used(call, work, 'alone', (use) => {
      const pass = passOf(call, use, options);
      return this.#transaction((tx, begin) => this.#pass(tx, pass, () => begin(work)));
    });
  }

  async within<T>(
    open: Open,
    call: BranchKey,
    work: () => T | Promise<T>,
    options?: ResultOptions<T>,
  ): Promise<BarrierOutcome<T>> {
    const last = this.#uses.lastIn(call, open);
    // The row is missing if the caller rolled back, and began again with the same object.
    if (last !== undefined && (await this.#dialect.readReason(open, passOf(call, last, undefined).own)) !== undefined)
      this.#uses.stands(last);
    return this.#used(call, work, 'with others', async (use) => {
      const outcome = await this.#pass(open, passOf(call, use, options), work);
      this.#uses.leaveOpen(use, open);
      return outcome;
    });
  }

  async message<T>(gid: string, work: (tx: Tx) => T | Promise<T>): Promise<T> {
    return this.#transaction((tx, begin) => this.messageWithin(tx, gid, () => begin(work)));
  }

  async messageWithin<T>(open: Open, gid: string, work: () => T | Promise<T>): Promise<T> {
    const [inserted] = await this.#dialect.insertMissing(open, [messageRow(gid)]);
    if (inserted !== true) throw new LocalTransactionRefused(gid);
    return work();
  }

  async checkBack(gid: string): Promise<'committed' | 'refused'> {
    const row = refusalRow(gid);
    const [inserted] = await this.#transaction((tx) => this.#dialect.insertMissing(tx, [row]));
    if (inserted === true) return 'refused';
    const reason = await this.#transaction((tx) => this.#dialect.readReason(tx, row));
    if (reason === undefined) throw new Error(`The barrier's row of message ${gid} was deleted while it was read`);
    return reason === MESSAGE_BARRIER.refusal ? 'refused' : 'committed';
  }

  async purge({ olderThanMs, limit }: BarrierPurge): Promise<number> {
    if (!(Number.isFinite(olderThanMs) && olderThanMs >= 0))
      throw new RangeError(`olderThanMs is a number of ms from 0 on, not ${olderThanMs}`);
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PURGE))
      throw new RangeError(`limit is a whole number from 1 to ${LARGEST_PURGE}, not ${limit}`);
    return this.#dialect.purge({ olderThanMs, limit });
  }

  async ensureSchema(): Promise<void> {
    return this.#dialect.ensureSchema();
  }

  async #used<T>(
    call: BranchKey,
    work: unknown,
    transaction: 'alone' | 'with others',
    body: (use: Use) => Promise<BarrierOutcome<T>>,
  ): Promise<BarrierOutcome<T>> {
    const use = this.#uses.take(call, work);
    try {
      const outcome = await body(use);
      if (!outcome.ran && outcome.why === 'repeated') this.#uses.found(use);
      if (!outcome.ran && outcome.why === 'empty') noteEmptyUndo(call);
      return outcome;
    } catch (thrown) {
      this.#uses.failed(use, this.#wasLost(thrown) ? transaction : undefined);
      throw thrown;
    }
  }

  async #pass<T>(open: Open, { rows, own, use, codec }: Pass, work: () => T | Promise<T>): Promise<BarrierOutcome<T>> {
    const inserted = await this.#dialect.insertMissing(open, rows);
    const fresh = rows.filter((_, index) => inserted[index] === true);
    if (!fresh.includes(own)) {
      await this.#refuseUndone(open, own);
      // The use may differ from the one that the last attempt was to repeat; the next request
      // resolves this.
      if (use.again) throw new BarrierUseUnclear(own, use.number, 'failed');
      const kept = await this.#kept(open, own, codec);
      return { ran: false, why: 'repeated', ...kept } as BarrierOutcome<T>;
    }
    await this.#refuseAfterMark(open, own, use);
    if (fresh.length > 1) return { ran: false, why: 'empty' };
    const value = await work();
    await this.#keep(open, own, value, codec);
    return { ran: true, value };
  }

  /** U4 */
  async #refuseAfterMark(open: Open, own: BarrierRow, use: Use): Promise<void> {
    for (const number of use.repeated)
      if (forbidsMore(await this.#dialect.readReason(open, inUse(own, number)), number, use))
        throw new BarrierUseUnclear(own, number, 'failed in an earlier request, which then carried out one more');
  }

  /**
   * B6. Read after the call's own row was inserted: an undo writes its row together with that, or
   * after it.
   */
  async #refuseUndone(open: Open, own: BarrierRow): Promise<void> {
    const undoing = undoingRow(own);
    if (undoing === undefined) return;
    if ((await this.#dialect.readReason(open, undoing)) !== undefined) throw undoneBefore(own);
  }

  /** B5 */
  async #keep(open: Open, own: BarrierRow, value: unknown, codec: Codec): Promise<void> {
    const kept = await keptResult(value, codec);
    if (kept.kind === 'nothing') return;
    if (kept.kind === 'json') await this.#dialect.keepResult?.(open, own, kept.text);
    else await this.#dialect.keepResult?.(open, unkeptRow(own), JSON.stringify(kept.kind));
  }

  async #kept(open: Open, own: BarrierRow, codec: Codec): Promise<Partial<BarrierOutcome<unknown>>> {
    const kept = await this.#dialect.readResult?.(open, own);
    if (kept !== undefined) return readResult(kept, codec);
    const unkept = await this.#dialect.readResult?.(open, unkeptRow(own));
    return unkept === undefined ? {} : unavailable(own, String(JSON.parse(unkept)));
  }

  /** Libraries between the dialect and the handler wrap the dialect's errors. */
  #wasLost(thrown: unknown): boolean {
    let error = thrown;
    for (let depth = 0; depth < MOST_CAUSES && error instanceof Error; depth++) {
      if (error instanceof CommitUnknown || error instanceof TransactionEnded) return false;
      if (this.#dialect.lostAgainstAnother(error)) return true;
      error = error.cause;
    }
    return false;
  }

  /**
   * Runs `body` in a transaction, and repeats it while it conflicts with others before any work has
   * begun.
   */
  async #transaction<T>(body: (tx: Tx, begin: Begin<Tx>) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let begun = false;
      try {
        return await this.#dialect.transaction((tx) =>
          body(tx, async (work) => {
            begun = true;
            return work(tx);
          }),
        );
      } catch (error) {
        if (begun || attempt === MOST_ATTEMPTS || !this.#dialect.lostAgainstAnother(error)) throw error;
      }
    }
  }
}

/** One use, and its rows in the order of the unique key. */
interface Pass {
  readonly use: Use;
  readonly rows: readonly BarrierRow[];
  /** The row of the call itself, not that of the op which it undoes. */
  readonly own: BarrierRow;
  readonly codec: Codec;
}

function passOf<T>(call: BranchKey, use: Use, options: ResultOptions<T> | undefined): Pass {
  const rows = rowsOf(call, use.number, use.mark);
  const own = rows.find(({ op }) => op === call.op);
  if (own === undefined) throw new Error(`No barrier row for ${call.op}`);
  return { use, rows, own, codec: options?.codec as Codec };
}

/** Runs the work, and notes that it has begun. */
type Begin<Tx> = <T>(work: (tx: Tx) => T | Promise<T>) => Promise<T>;
