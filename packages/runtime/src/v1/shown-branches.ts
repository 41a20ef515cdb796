import type { BranchView, TransactionView } from '@holdfast/core';

/**
 * The branches without what they make obsolete: that a workflow's action began, once its outcome is
 * recorded.
 */
export function shownBranches({ pattern, branches }: TransactionView): readonly BranchView[] {
  if (pattern !== 'workflow') return branches;
  const ended = new Set(branches.flatMap(({ branchId, op }) => (op === 'action' ? [branchId] : [])));
  return branches.filter(({ branchId, op }) => op !== 'start' || !ended.has(branchId));
}
