import { isFinal } from '@holdfast/protocol';
import { type BranchFacts, type Case, nameOf } from '../parts/case.ts';
import { OPS_OF } from '../parts/plan.ts';
import type { Checker } from './checker.ts';
import type { Invariant } from './invariants.ts';

/** Judges one finished transaction: the effects of its participants against its outcome. */
export function judge(one: Case, checker: Checker, calm: boolean): void {
  const gid = nameOf(one.key);
  const { record, acks } = one;
  if (record === undefined) {
    checker.expect(
      acks.size === 0,
      'ACK3',
      gid,
      () => `${[...acks].join(', ')} was acknowledged, but there is no record`,
    );
    for (const facts of one.branches.values())
      checker.expect(
        facts.sent.size === 0,
        'DEC4',
        gid,
        () => `${facts.plan.branchId} was called, but there is no record`,
      );
    return;
  }
  if (!isFinal(record.status)) return checker.violate('ACK2', gid, `it is still ${record.status}`);
  // The effects of a force-stopped transaction remain; the operator is responsible for them.
  if (one.stopped) return;
  for (const [invariant, wrong] of [...one.branches.values()].flatMap((facts) =>
    wrongIn(one, facts, record.status === 'succeed'),
  ))
    checker.violate(invariant, gid, `${record.status}, but ${wrong}`);
  if (one.plan.pattern === 'msg') judgeMessage(one, checker, record.status === 'succeed');
  if (calm) judgeCalm(one, checker);
}

function wrongIn(one: Case, facts: BranchFacts, succeeded: boolean): [Invariant, string][] {
  switch (one.plan.pattern) {
    case 'saga':
    case 'workflow':
      return succeeded ? wrongInSuccess(facts) : wrongInFailure(one, facts);
    case 'tcc':
    case 'xa':
      return wrongInTwoPhase(one, facts, succeeded);
    case 'msg':
      return succeeded
        ? wrongInSuccess(facts)
        : facts.sent.size > 0
          ? [['EFF5', `${facts.plan.branchId} was called`]]
          : [];
  }
}

function wrongInSuccess({ plan, did, undid, sent }: BranchFacts): [Invariant, string][] {
  const wrong: [Invariant, string][] = [];
  if (did !== 1) wrong.push(['EFF1', `the effect of ${plan.branchId} is there ${did} times`]);
  if (undid > 0 || sent.has('compensate')) wrong.push(['EFF1', `${plan.branchId} was undone`]);
  return wrong;
}

/**
 * The effect is gone, and every branch that a call may have reached was compensated, whether or not
 * the barrier let the call run.
 */
function wrongInFailure(one: Case, { plan, did, undid, arrived, completed }: BranchFacts): [Invariant, string][] {
  if (plan.lasting) return [];
  const { forward, undo } = OPS_OF[one.plan.pattern];
  if (did !== undid)
    return [['EFF2', `the effect of ${plan.branchId} was made ${did} times and undone ${undid} times`]];
  if (arrived.has(forward) && !completed.has(undo))
    return [['EFF2', `${plan.branchId} was called and never compensated`]];
  return [];
}

function wrongInTwoPhase(one: Case, facts: BranchFacts, succeeded: boolean): [Invariant, string][] {
  const { confirm, undo } = OPS_OF[one.plan.pattern];
  const { plan, did, undid, confirmed, sent, completed } = facts;
  const wrong: [Invariant, string][] = [];
  if (sent.has(confirm) && sent.has(undo))
    wrong.push(['EFF3', `${plan.branchId} received both ${confirm} and ${undo}`]);
  if (!one.registered.has(`branch:${plan.branchId}:${confirm}`)) return wrong;
  if (!completed.has(succeeded ? confirm : undo))
    wrong.push(['EFF3', `the registered ${plan.branchId} never received ${succeeded ? confirm : undo}`]);
  if (succeeded && (confirmed !== 1 || undid > 0 || (did !== 1 && !plan.late)))
    wrong.push(['EFF1', `${plan.branchId} was done ${did} times, confirmed ${confirmed} times, undone ${undid} times`]);
  if (!succeeded && did !== undid)
    wrong.push(['EFF2', `${plan.branchId} was done ${did} times and undone ${undid} times`]);
  return wrong;
}

function judgeMessage(one: Case, checker: Checker, succeeded: boolean): void {
  checker.expect(
    succeeded === one.localCommitted,
    'EFF5',
    nameOf(one.key),
    () =>
      `${succeeded ? 'delivered' : 'not delivered'}, but the local transaction was ${one.localCommitted ? '' : 'not '}committed`,
  );
}

function judgeCalm(one: Case, checker: Checker): void {
  // A workflow's callback may run beside its client, by design.
  if (one.plan.pattern === 'workflow') return;
  for (const { arrived, plan } of one.branches.values()) {
    for (const [op, times] of arrived)
      checker.expect(times === 1, 'EFF6', nameOf(one.key), () => `${plan.branchId} ${op} was called ${times} times`);
  }
}
