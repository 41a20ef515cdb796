import { CHECK_BRANCH_ID } from './vocabulary.ts';

/**
 * The op that each undoing op undoes; the barrier ensures that an undone op never takes effect
 * afterwards.
 */
const UNDONE_OPS: Readonly<Record<string, string>> = { cancel: 'try', compensate: 'action', rollback: 'action' };

/** The op that `op` undoes; undefined if it undoes none. */
export const undoneOp = (op: string): string | undefined =>
  Object.hasOwn(UNDONE_OPS, op) ? UNDONE_OPS[op] : undefined;

/** The op that undoes `op` in a transaction of that pattern; undefined if there is none. */
export function undoingOp(transType: string, op: string): string | undefined {
  if (op === 'try') return 'cancel';
  if (op !== 'action') return undefined;
  if (transType === 'saga') return 'compensate';
  return transType === 'workflow' || transType === 'xa' ? 'rollback' : undefined;
}

/**
 * The ID of the n-th use of a barrier within one request, counted from 1, as in the barrier's rows:
 * `01`, `02`, …
 */
export const barrierId = (n: number): string => String(n).padStart(2, '0');

/**
 * The key of the barrier row for a message's local transaction, and the reason with which a
 * check-back inserts it to ensure that the local transaction never commits.
 */
export const MESSAGE_BARRIER = {
  transType: 'msg',
  branchId: CHECK_BRANCH_ID,
  op: 'msg',
  barrierId: barrierId(1),
  refusal: 'rollback',
} as const;

/**
 * Lengths of the barrier table's columns. Longer values must be rejected, because MySQL may
 * truncate them.
 */
export const BARRIER_COLUMNS = { gid: 128, branchId: 128, op: 45, barrierId: 45, transType: 45, reason: 45 } as const;
