import {
  branchViolations,
  decidingOp,
  historyOf,
  opsOf,
  placeOf,
  stateOf,
  undoingOp,
  type BranchHistory,
} from './branch-history.ts';
import { acknowledged, demandsOf, isWhole } from './demands.ts';
import { casesOf, type Case, type Evidence } from './evidence.ts';
import { callbackOp, localOp, madeFor } from './participant-urls.ts';
import { stepsBefore, type Plan } from './plan.ts';
import { securityViolations } from './secured/security-judge.ts';
import type { Violation, ViolationKind } from './violation.ts';

/**
 * The outcome of a transaction. `not accepted`: never acknowledged, and without any effect.
 * `mixed`: a violation.
 */
export type Outcome = 'committed' | 'rolled back' | 'not accepted' | 'mixed';

/** The judgement of one gid. */
export interface Judged {
  readonly gid: string;
  readonly pattern: Plan['pattern'] | 'unknown';
  readonly acknowledged: boolean;
  readonly outcome: Outcome;
  readonly violations: readonly Violation[];
  /** Its lines in both journals. */
  readonly texts: readonly string[];
}

/** Judges every gid that occurs in the evidence. */
export function judge(evidence: Evidence): readonly Judged[] {
  return casesOf(evidence).map((one) => {
    const judged = judgeCase(one);
    return { ...judged, violations: [...judged.violations, ...securityViolations(one, evidence.security)] };
  });
}

function judgeCase(one: Case): Judged {
  const { gid, texts } = one;
  const plan = one.plans[0];
  if (plan === undefined) {
    const violations = [violation('stranger', gid, 'no client ever used this gid')];
    return { gid, pattern: 'unknown', acknowledged: false, outcome: 'mixed', violations, texts };
  }

  const histories = plan.branches.map((branch) => historyOf(one, branch));
  const states = histories.map((history) => stateOf(plan.pattern, history));
  const kept = states.every((state) => state === 'kept');
  const clean = states.every((state) => state === 'none' || state === 'undone');
  const isAcknowledged = acknowledged(one, plan);
  const untouched = states.every((state) => state === 'none');
  return {
    gid,
    pattern: plan.pattern,
    acknowledged: isAcknowledged,
    outcome: kept ? 'committed' : !clean ? 'mixed' : untouched && !isAcknowledged ? 'not accepted' : 'rolled back',
    violations: [
      ...identityViolations(one, plan),
      ...histories.flatMap((history) => branchViolations(gid, plan.pattern, history)),
      ...orderViolations(gid, plan, histories),
      ...endViolations(one, plan, histories, kept ? 'succeed' : clean ? 'failed' : 'mixed'),
      ...earlyViolations(one, plan, histories),
    ],
    texts,
  };
}

/** Calls that no client requested, or that were made in the name of another branch. */
function identityViolations(one: Case, plan: Plan): readonly Violation[] {
  const { gid } = one;
  const found: Violation[] = [];
  if (one.plans.length > 1) found.push(violation('gid-reused', gid, `${one.plans.length} clients were given this gid`));
  const expected = new Set(
    plan.branches.flatMap(({ branchId }) => opsOf(plan.pattern).map((op) => madeFor({ gid, branchId, op }))),
  );
  if (plan.pattern === 'msg') expected.add(madeFor(localOp(gid)));
  if (plan.pattern === 'workflow') expected.add(madeFor(callbackOp(gid)));
  for (const { line } of one.calls) {
    if (!expected.has(madeFor(line)))
      found.push(violation('stranger', gid, `no client requested ${line.branchId} ${line.op}`));
    else if (line.madeFor !== madeFor(line)) {
      found.push(violation('misrouted', gid, `${line.branchId} ${line.op} went to the URL made for ${line.madeFor}`));
    }
  }
  return found;
}

/** Steps take effect after those they depend on, and are undone before them. */
function orderViolations(gid: string, plan: Plan, histories: readonly BranchHistory[]): readonly Violation[] {
  if (plan.pattern !== 'saga' && plan.pattern !== 'workflow') return [];
  const undo = undoingOp(plan.pattern);
  const found: Violation[] = [];
  for (const [index, later] of histories.entries()) {
    for (const before of stepsBefore(plan, index)) {
      const earlier = histories[before];
      if (earlier === undefined) continue;
      const pair = `${earlier.plan.branchId} and ${later.plan.branchId}`;
      if (happened(later, 'action') && !inOrder(earlier, later, 'action')) {
        found.push(violation('out-of-order', gid, `actions of ${pair}`));
      }
      if (happened(earlier, undo) && happened(later, undo) && !inOrder(later, earlier, undo)) {
        found.push(violation('out-of-order', gid, `undoing of ${pair}`));
      }
    }
  }
  return found;
}

function happened(history: BranchHistory, op: string | undefined): boolean {
  return placeOf(history, op) >= 0;
}

function inOrder(first: BranchHistory, second: BranchHistory, op: string | undefined): boolean {
  return happened(first, op) && placeOf(first, op) < placeOf(second, op);
}

/** What is wrong with the end that a transaction came to. */
function endViolations(
  one: Case,
  plan: Plan,
  histories: readonly BranchHistory[],
  end: 'succeed' | 'failed' | 'mixed',
): readonly Violation[] {
  const { gid } = one;
  if (one.unfinished) return [violation('not-final', gid, 'the coordinator itself calls it unfinished')];
  if (end === 'mixed') return [mixedViolation(one, plan, histories)];
  if (isLost(one, plan)) return [violation('lost', gid, 'it was acknowledged, and no participant was ever called')];
  return demandsOf(one, plan)
    .filter(({ outcome }) => outcome !== end)
    .map(({ outcome, because }) => {
      const was = end === 'succeed' ? 'every effect was kept' : 'no effect was kept';
      return violation(
        'wrong-outcome',
        gid,
        `${was}, but it had to ${outcome === 'succeed' ? 'succeed' : 'fail'}: ${because}`,
      );
    });
}

function mixedViolation(one: Case, plan: Plan, histories: readonly BranchHistory[]): Violation {
  const states = histories.map((history) => `${history.plan.branchId} ${stateOf(plan.pattern, history)}`).join(', ');
  if (histories.some((history) => stateOf(plan.pattern, history) === 'open')) {
    return violation('not-final', one.gid, `a try was neither confirmed nor cancelled: ${states}`);
  }
  const op = decidingOp(plan.pattern);
  const missing = histories.find((history) => !history.called.has(op));
  const mayFail = demandsOf(one, plan).some(({ outcome }) => outcome === 'failed');
  if (missing === undefined || mayFail) return violation('half-done', one.gid, states);
  return violation('never-called', one.gid, `${op} of ${missing.plan.branchId}: ${states}`);
}

/**
 * Acknowledged work leaves a trace, unless it timed out before its first call or is a client's to
 * begin.
 */
function isLost(one: Case, plan: Plan): boolean {
  if (one.calls.length > 0 || !acknowledged(one, plan)) return false;
  switch (plan.pattern) {
    case 'saga':
      return plan.flavour !== 'timeout';
    case 'msg':
      return plan.flavour === 'direct';
    case 'workflow':
      return true;
    case 'tcc':
      return false;
  }
}

/** When a caller that waited receives a success, every effect must already be in the journal. */
function earlyViolations(one: Case, plan: Plan, histories: readonly BranchHistory[]): readonly Violation[] {
  const op = decidingOp(plan.pattern);
  return one.responses
    .filter(({ call, response }) => isWhole(call) && response.outcome === 'success' && response.waited)
    .flatMap(({ journalBytes }) =>
      histories
        .filter((history) => happened(history, op) && placeOf(history, op) > journalBytes)
        .map((history) =>
          violation('early-success', one.gid, `${op} of ${history.plan.branchId} came after the response`),
        ),
    );
}

function violation(kind: ViolationKind, gid: string, detail: string): Violation {
  return { kind, gid, detail };
}
