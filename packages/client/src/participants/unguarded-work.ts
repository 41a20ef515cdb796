import { undoingOp, undoneOp } from '@holdfast/protocol';
import type { BranchKey } from '../barrier/barrier.ts';
import type { BranchCallContext } from './call.ts';
import { requestOf } from './request-mark.ts';

/** More calls are not remembered: the warning needs only one of them. */
const MOST_CALLS = 1_000;

/** Requests that have used a barrier. */
const guarded = new WeakSet();

/** Calls of ops with an undo that were carried out here and used no barrier, oldest first. */
const unguarded = new Set<string>();

/** Pairs of ops that a warning was emitted for, per pattern. */
const warned = new Set<string>();

const keyOf = ({ gid, branchId }: BranchKey, op: string): string => JSON.stringify([gid, branchId, op]);

/** Notes that a barrier is used for a call. */
export function noteBarrier(call: BranchKey, served: BranchCallContext | undefined): void {
  for (const one of [call, served]) {
    const request = one === undefined ? undefined : requestOf(one);
    if (request !== undefined) guarded.add(request);
  }
}

/** Notes that a handler has carried out a call. */
export function noteSuccess(call: BranchCallContext): void {
  if (undoingOp(call.transType, call.op) === undefined) return;
  const request = requestOf(call);
  if (request === undefined || guarded.has(request)) return;
  unguarded.add(keyOf(call, call.op));
  const [oldest] = unguarded;
  if (unguarded.size > MOST_CALLS && oldest !== undefined) unguarded.delete(oldest);
}

/** Called for an undo that the barrier finds empty: warns if this process carried out its op. */
export function noteEmptyUndo(call: BranchKey): void {
  const op = undoneOp(call.op);
  if (op === undefined || !unguarded.has(keyOf(call, op))) return;
  const pair = `${call.transType} ${op} ${call.op}`;
  if (warned.has(pair)) return;
  warned.add(pair);
  process.emitWarning(
    `${call.op} of branch ${call.branchId} of ${call.transType} ${call.gid} did nothing, although its ${op} was carried out: the ${op} used no barrier, so the barrier of the ${call.op} takes it for one that never ran. Put both behind the barrier`,
    { type: 'HoldfastWarning' },
  );
}
