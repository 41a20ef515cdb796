import type { Pattern } from '@holdfast/protocol';
import type { JsonResult, ResultOptions } from '../result-types.ts';
import type { BarrierResultUnavailable } from './errors.ts';

/**
 * Identifies a call of the coordinator, by which the barrier recognises repeated, empty and late
 * calls. A `BranchCallContext` is one.
 */
export interface BranchKey {
  readonly gid: string;
  readonly transType: Pattern;
  readonly branchId: string;
  readonly op: string;
  /**
   * Number of this use of the barrier within the request, from 1 to 99: `{ ...call, use: 2 }`.
   * Default: the uses of one request are counted, for the call and its copies. A handler that
   * repeats a use, or continues after one that failed, numbers all of them; so does a handler that
   * uses objects built from parts of the call.
   */
  readonly use?: number;
}

/** The outcome of a call behind the barrier. */
export type BarrierOutcome<T> =
  | { readonly ran: true; readonly value: T }
  /**
   * `repeated`: this call was carried out before. `empty`: the call undoes an op that never ran.
   * Either way the response is success. `value`: the result that the barrier kept of the call that
   * was carried out. It is absent if that call returned nothing, and where results are not kept (no
   * table of results, or xa). `unavailable` replaces `value` if the result could not be kept: the
   * result is not JSON or exceeds 16 KiB of JSON, and there was no `codec`.
   */
  | {
      readonly ran: false;
      readonly why: 'repeated' | 'empty';
      readonly value?: T;
      readonly unavailable?: BarrierResultUnavailable;
    };

/**
 * The branch barrier (protocol page, "The branch barrier"). Business work and the record of it are
 * one local transaction, so that a repeated call, an empty compensation and a dangling call have no
 * effect.
 *
 * `Tx` is the handle with which the work writes; only writes through it are protected.
 */
export interface Barrier<Tx> {
  /**
   * Runs `work` at most once for this call, in one local transaction with the barrier's rows. If
   * `work` throws, both are rolled back and the error is rethrown. Throws a `BranchFailure` for a
   * call that was undone: the call is late, or its gid was used before. The result of `work` is
   * kept in the same transaction, and a repeated call returns it. Several uses for one call and its
   * copies (`{ ...call }`) are distinguished by their order (barrier IDs 01, 02, …), or by `use` of
   * the call.
   *
   * After a deadlock or serialization failure of the last use, the next counted one repeats it
   * under its number. After any other failure a counted use is rejected: number each use.
   *
   * A result that is not JSON, which the type mostly shows, needs a `codec`.
   *
   * @throws {BarrierUseUnclear} the use has no number and needs one; the work did not run
   */
  run<T>(call: BranchKey, work: ((tx: Tx) => T | Promise<T>) & JsonResult<T>): Promise<BarrierOutcome<T>>;
  run<T>(
    call: BranchKey,
    work: (tx: Tx) => T | Promise<T>,
    options: ResultOptions<NoInfer<T>>,
  ): Promise<BarrierOutcome<T>>;

  /**
   * The local transaction of a two-phase message: commits `work` together with a row that
   * `checkBack` finds.
   *
   * @throws {LocalTransactionRefused} a check-back came first: nothing was committed, and the
   *   message is abandoned
   * @throws {CommitUnknown} the response to the commit was lost
   */
  message<T>(gid: string, work: (tx: Tx) => T | Promise<T>): Promise<T>;

  /**
   * Returns whether the local transaction of a message was committed; if it was not, it can no
   * longer be committed.
   */
  checkBack(gid: string): Promise<'committed' | 'refused'>;
}

/**
 * A check-back came before the local transaction of a message, or the message was sent before: this
 * call committed nothing.
 */
export class LocalTransactionRefused extends Error {
  override readonly name = 'LocalTransactionRefused';
  readonly code = 'local_transaction_refused';
  readonly gid: string;

  constructor(gid: string) {
    super(
      `The local transaction of message ${gid} was not committed: it was committed before, or the message was abandoned`,
    );
    this.gid = gid;
  }
}

/**
 * The database did not respond to the commit, so its outcome is unknown. `checkBack` determines it.
 */
export class CommitUnknown extends Error {
  override readonly name = 'CommitUnknown';
  readonly code = 'commit_unknown';

  constructor(cause: unknown) {
    super('The database did not respond to the commit: its outcome is unknown', { cause });
  }
}
