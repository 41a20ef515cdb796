import type { Case } from './evidence.ts';
import type { Effect } from './journal.ts';
import type { BranchOp, BranchPlan, Plan } from './plan.ts';
import type { Violation, ViolationKind } from './violation.ts';

/** What happened to one branch, by the participants' journal. */
export interface BranchHistory {
  readonly plan: BranchPlan;
  /** Effects in the order in which they happened. */
  readonly effects: readonly Applied[];
  /** Ops that were called at least once. */
  readonly called: ReadonlySet<string>;
}

/** One change of the participant's data. */
export interface Applied {
  readonly op: string;
  readonly effect: Effect;
  /** Where its line ends in the journal. */
  readonly endByte: number;
}

/** The remaining effect of a branch. `open`: a try that was neither confirmed nor cancelled. */
export type BranchState = 'none' | 'kept' | 'undone' | 'open';

/**
 * What the ops of a pattern are to each other. `settle`: without it the forward effect is only a
 * reservation.
 */
interface Roles {
  readonly forward: BranchOp;
  readonly settle?: BranchOp;
  readonly undo?: BranchOp;
}

const ROLES: Readonly<Record<Plan['pattern'], Roles>> = {
  saga: { forward: 'action', undo: 'compensate' },
  tcc: { forward: 'try', settle: 'confirm', undo: 'cancel' },
  msg: { forward: 'action' },
  workflow: { forward: 'action', undo: 'rollback' },
};

/** The op that the coordinator calls to make a transaction succeed. */
export function decidingOp(pattern: Plan['pattern']): BranchOp {
  return ROLES[pattern].settle ?? ROLES[pattern].forward;
}

/** The op that undoes a branch, if there is one. */
export function undoingOp(pattern: Plan['pattern']): BranchOp | undefined {
  return ROLES[pattern].undo;
}

/** Every op that may be called on a branch of this pattern. */
export function opsOf(pattern: Plan['pattern']): readonly string[] {
  const { forward, settle, undo } = ROLES[pattern];
  return [forward, settle, undo].filter((op) => op !== undefined);
}

/** Gathers one branch's lines. */
export function historyOf(one: Case, plan: BranchPlan): BranchHistory {
  const effects: Applied[] = [];
  for (const { line, endByte } of one.commits) {
    if (line.branchId === plan.branchId && line.effect !== null)
      effects.push({ op: line.op, effect: line.effect, endByte });
  }
  const called = new Set(one.calls.filter(({ line }) => line.branchId === plan.branchId).map(({ line }) => line.op));
  return { plan, effects, called };
}

/** The index of the op's effect in the history, or -1. */
export function placeOf(history: BranchHistory, op: string | undefined): number {
  return history.effects.find((applied) => applied.op === op)?.endByte ?? -1;
}

/** What is left of the branch in the end. */
export function stateOf(pattern: Plan['pattern'], history: BranchHistory): BranchState {
  const { forward, settle, undo } = ROLES[pattern];
  const has = (op: string | undefined): boolean => placeOf(history, op) >= 0;
  if (has(undo)) return 'undone';
  if (settle !== undefined) return has(settle) ? 'kept' : has(forward) ? 'open' : 'none';
  return has(forward) ? 'kept' : 'none';
}

/** What is wrong with one branch, whatever became of the others. */
export function branchViolations(gid: string, pattern: Plan['pattern'], history: BranchHistory): readonly Violation[] {
  const { forward, settle, undo } = ROLES[pattern];
  const { branchId, account, amount } = history.plan;
  const found: Violation[] = [];
  const report = (kind: ViolationKind, detail: string): void => {
    found.push({ kind, gid, detail: `branch ${branchId}: ${detail}` });
  };

  for (const op of opsOf(pattern)) {
    const count = history.effects.filter((applied) => applied.op === op).length;
    if (count > 1) report('twice', `${op} took effect ${count} times`);
  }
  const done = placeOf(history, forward);
  for (const later of [settle, undo]) {
    const at = placeOf(history, later);
    if (at < 0 || (done >= 0 && done < at)) continue;
    if (done < 0) report('without-origin', `${later} took effect, ${forward} never did`);
    else report('dangling', `${forward} took effect after ${later}`);
  }
  if (placeOf(history, settle) >= 0 && placeOf(history, undo) >= 0)
    report('both-ways', `${settle} and ${undo} took effect`);
  for (const { op, effect } of history.effects) {
    if (effect.account === account && effect.amount === amount) continue;
    report('wrong-payload', `${op} changed ${effect.account} by ${effect.amount}instead of ${account} by ${amount}`);
  }
  return found;
}
