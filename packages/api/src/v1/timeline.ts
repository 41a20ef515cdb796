import type { TransactionView } from '@holdfast/core';
import type { TimelineLine } from '@holdfast/protocol';
import { shownBranches } from './shown-branches.ts';

/**
 * The timeline of a transaction. A workflow's state contains callbacks and status changes; the
 * entries that its code recorded (steps, commits, rollbacks) are in its branches and are merged by
 * time.
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
  // A step in the same millisecond as a status came first: the status follows from it. The creation
  // is always first.
  const [created, ...rest] = state.timeline;
  const lines = [...recorded, ...rest].toSorted((a, b) => a.atMs - b.atMs);
  return created === undefined ? lines : [created, ...lines];
}
