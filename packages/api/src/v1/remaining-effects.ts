import type { TransactionView } from '@holdfast/core';
import type { RemainingEffect } from '@holdfast/protocol';
import { shownBranches } from './shown-branches.ts';

/** By the op that completes a branch: the op of its first phase, and the op that undoes it. */
const FIRST_PHASE: Readonly<Record<string, { readonly op: string; readonly undo: string }>> = {
  confirm: { op: 'try', undo: 'cancel' },
  commit: { op: 'action', undo: 'rollback' },
};

/**
 * The remaining effects of a force-stopped transaction: those that its branches have or may have,
 * and that were not undone. Empty for other transactions, whose branches are all done, undone or
 * still driven.
 */
export function remainingEffects(view: TransactionView): RemainingEffect[] {
  // The effects of a damaged record's branches are unknown; `damaged` states it.
  if (view.state.stopped === '' || view.state.damaged !== '') return [];
  switch (view.pattern) {
    case 'saga':
    case 'msg':
      return ofCalledActions(view);
    case 'workflow':
      return ofRecordedSteps(view);
    case 'tcc':
    case 'xa':
      return ofFirstPhases(view);
  }
}

/**
 * The coordinator called the actions: one that was started and not compensated may have an effect.
 */
function ofCalledActions({ branches, state }: TransactionView): RemainingEffect[] {
  const isDone = doneOf(branches);
  return branches.flatMap(({ branchId, op, url, status, started }) => {
    const undone = isDone(branchId, 'compensate');
    // Without unbroken ownership it is unknown which actions started.
    const mayHaveRun = started || (!state.unbroken && status !== 'failed');
    if (op !== 'action' || undone || !mayHaveRun) return [];
    return [{ branchId, op, url, certain: status === 'succeed' }];
  });
}

/** The workflow's code recorded its completed steps and those that it was about to run. */
function ofRecordedSteps(view: TransactionView): RemainingEffect[] {
  const isDone = doneOf(view.branches);
  return shownBranches(view).flatMap(({ branchId, op, url, status }) => {
    const mayRemain = op === 'action' ? status === 'succeed' : op === 'start';
    return mayRemain && !isDone(branchId, 'rollback')
      ? [{ branchId, op: 'action', url, certain: op === 'action' }]
      : [];
  });
}

/**
 * The client registered each branch before its first phase. The effect of a branch that is neither
 * confirmed nor cancelled may remain.
 */
function ofFirstPhases({ branches }: TransactionView): RemainingEffect[] {
  const isDone = doneOf(branches);
  const confirmed = new Set(branches.filter(({ op }) => op === 'confirm').map(({ branchId }) => branchId));
  return branches.flatMap(({ branchId, op, url, status }): RemainingEffect[] => {
    // Registered with only its cancel, since the part of the transaction that calls the try has not
    // succeeded.
    if (op === 'cancel' && status !== 'succeed' && !confirmed.has(branchId))
      return [{ branchId, op: 'try', url, certain: false }];
    const forward = FIRST_PHASE[op];
    if (forward === undefined) return [];
    if (status === 'succeed') return [{ branchId, op, url, certain: true }];
    return isDone(branchId, forward.undo) ? [] : [{ branchId, op: forward.op, url, certain: false }];
  });
}

/**
 * Whether an op of a branch has succeeded: a set, since a transaction may have two thousand ops.
 */
function doneOf(branches: TransactionView['branches']): (branchId: string, op: string) => boolean {
  const done = new Set<string>();
  for (const { branchId, op, status } of branches) if (status === 'succeed') done.add(`${branchId} ${op}`);
  return (branchId, op) => done.has(`${branchId} ${op}`);
}
