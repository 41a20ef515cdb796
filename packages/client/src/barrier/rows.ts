import { BARRIER_COLUMNS, barrierId, BranchFailure, MESSAGE_BARRIER, undoingOp, undoneOp } from '@holdfast/protocol';
import type { BranchKey } from './barrier.ts';
import type { BarrierRow } from './dialect.ts';

/**
 * The rows of one use of the barrier: the row of the op, and that of the op which it undoes, if
 * any, in the order of the unique key (by op). Of the calls that undo the same op, one inserts the
 * first row, and the others wait there. In MySQL these then hold the gap before that row, so the
 * second row must not belong in this gap, or each call would wait for the gaps of the others.
 */
export function rowsOf(call: BranchKey, use: number, ownReason = call.op): readonly BarrierRow[] {
  // A handler at the URL of a check-back would make the coordinator believe that the local
  // transaction was committed.
  if (call.op === MESSAGE_BARRIER.op)
    throw new TypeError(`Op ${call.op} of ${call.gid} is a check-back: serve it with checkBack`);
  const { gid, branchId, op, transType } = call;
  const own = checked({ gid, branchId, op, barrierId: barrierId(use), transType, reason: op });
  const undone = undoneOp(op);
  if (undone === undefined) return [{ ...own, reason: ownReason }];
  const origin = { ...own, op: undone };
  const marked = { ...own, reason: ownReason };
  return undone < op ? [origin, marked] : [marked, origin];
}

/** The row of another use of the same call. */
export const inUse = (row: BarrierRow, use: number): BarrierRow => ({ ...row, barrierId: barrierId(use) });

/** The row of the op that undoes a call's own; undefined: nothing undoes it. */
export function undoingRow(own: BarrierRow): BarrierRow | undefined {
  const op = undoingOp(own.transType, own.op);
  return op === undefined ? undefined : { ...own, op, reason: op };
}

/**
 * The failure of a call whose undo came before it, or was carried out since: its effect must not
 * take place. Success would be wrong for a new transaction with the gid of an earlier one whose
 * rows are still kept.
 */
export const undoneBefore = ({ gid, branchId, op }: Pick<BarrierRow, 'gid' | 'branchId' | 'op'>): BranchFailure =>
  new BranchFailure(
    `${op} of branch ${branchId} of ${gid} was undone before: a late call, or a gid that is used a second time; a new transaction needs a new gid`,
  );

/** The row that records the commit of a message's local transaction. */
export function messageRow(gid: string): BarrierRow {
  const { branchId, op, barrierId: id, transType } = MESSAGE_BARRIER;
  return checked({ gid, branchId, op, barrierId: id, transType, reason: op });
}

/** The row that prevents the commit of a message's local transaction. */
export const refusalRow = (gid: string): BarrierRow => ({ ...messageRow(gid), reason: MESSAGE_BARRIER.refusal });

/** Rejects a key that would be truncated, since it could equal another key. */
function checked(row: BarrierRow): BarrierRow {
  for (const [column, most] of Object.entries(BARRIER_COLUMNS)) {
    const value = row[column as keyof typeof BARRIER_COLUMNS];
    if (value === '' || value.length > most)
      throw new RangeError(`${column} "${value}" of a barrier: from 1 to ${most} characters`);
  }
  return row;
}
