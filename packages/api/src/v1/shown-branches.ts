import type { BranchView, TransactionView } from '@holdfast/core';

/**
 * The branches without obsolete entries: the start of a workflow's action, once its outcome is
 * recorded.
 */
export function shownBranches({ pattern, branches }: TransactionView): readonly BranchView[] {
  if (pattern !== 'workflow') return branches;
  const ended = new Set(branches.flatMap(({ branchId, op }) => (op === 'action' ? [branchId] : [])));
  return branches.filter(({ branchId, op }) => op !== 'start' || !ended.has(branchId));
}
