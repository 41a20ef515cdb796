import { CHECK_BRANCH_ID } from './vocabulary.ts';

/** Which op each undoing op undoes: the barrier takes care that what is undone never happens afterwards. */
const UNDONE_OPS: Readonly<Record<string, string>> = { cancel: 'try', compensate: 'action', rollback: 'action' };

/** The op that `op` undoes; undefined for one that undoes nothing. */
export const undoneOp = (op: string): string | undefined =>
  Object.hasOwn(UNDONE_OPS, op) ? UNDONE_OPS[op] : undefined;

/** The op that undoes `op` in a transaction of that pattern; undefined: nothing does. */
export function undoingOp(transType: string, op: string): string | undefined {
  if (op === 'try') return 'cancel';
  if (op !== 'action') return undefined;
  if (transType === 'saga') return 'compensate';
  return transType === 'workflow' || transType === 'xa' ? 'rollback' : undefined;
}

/** Number of the n-th use of a barrier within one request, counted from 1, as it stands in the barrier's rows: `01`, `02`, … */
export const barrierId = (n: number): string => String(n).padStart(2, '0');

/** Where the barrier's row of a message's local transaction stands, and the reason by which a check-back makes sure that it is never committed. */
export const MESSAGE_BARRIER = {
  transType: 'msg',
  branchId: CHECK_BRANCH_ID,
  op: 'msg',
  barrierId: barrierId(1),
  refusal: 'rollback',
} as const;

/** How many characters the columns of barrier tables hold; what is longer must not get there, MySQL would cut it off. */
export const BARRIER_COLUMNS = { gid: 128, branchId: 128, op: 45, barrierId: 45, transType: 45, reason: 45 } as const;
