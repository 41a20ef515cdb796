import type { TransactionView } from '@holdfast/core';
import type { TimelineLine } from '@holdfast/protocol';
import { shownBranches } from './shown-branches.ts';

/**
 * The timeline of a transaction. The state of a workflow holds its callbacks and status changes; what its code recorded
 * (steps, commits, undos) is in its branches, and is merged in by time.
 */
export function timelineOf(view: TransactionView): TimelineLine[] {
  const { pattern, state } = view;
  if (pattern !== 'workflow') return [...state.timeline];
  const recorded = shownBranches(view).map(({ branchId, op, status, createdAtMs }): TimelineLine => ({
    kind: 'call',
    atMs: createdAtMs,
    durationMs: 0,
    branchId,
    op,
    result: status === 'failed' ? 'FAILURE' : 'SUCCESS',
    reason: '',
    attempt: 1,
    retryAtMs: 0,
  }));
  // A step of the same millisecond as a status came before it: the status follows from it. The creation comes first.
  const [created, ...rest] = state.timeline;
  const lines = [...recorded, ...rest].toSorted((a, b) => a.atMs - b.atMs);
  return created === undefined ? lines : [created, ...lines];
}
