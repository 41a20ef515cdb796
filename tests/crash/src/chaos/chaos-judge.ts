import { type ChaosPlan, patternsOn } from './chaos-plan.ts';
import type { Books, DatabaseName } from './databases/chaos-database.ts';
import { deltaOf, type Entry, OPENING_BALANCE } from './databases/ledger.ts';
import { groupBy } from './group-by.ts';
import type { OutcomeLine } from './lines.ts';

/**
 * Everything that can be wrong after a run:
 *
 * - `twice`: an op of a step took effect more than once behind the barrier
 * - `half-done`: the effects in the database are not those of the status that the transaction has
 * - `wrong-outcome`: it succeeded although it had to fail, or the other way round
 * - `not-final`: the coordinator calls it unfinished after the patience
 * - `reported-wrong`: the SDK let the initiator know another outcome
 * - `stranger`: an effect that no plan has
 * - `not-conserved`: the accounts are not the sum of the effects, or money was made or lost
 * - `left-prepared`: an XA transaction is still prepared
 */
export type ChaosViolationKind =
  | 'twice'
  | 'half-done'
  | 'wrong-outcome'
  | 'not-final'
  | 'reported-wrong'
  | 'stranger'
  | 'not-conserved'
  | 'left-prepared';

export interface ChaosViolation {
  readonly kind: ChaosViolationKind;
  /** Empty: about the accounts. */
  readonly gid: string;
  readonly detail: string;
}

/** One transaction of a run. */
export interface ChaosCase {
  readonly gid: string;
  readonly plan: ChaosPlan;
  readonly reported: OutcomeLine['outcome'] | undefined;
  /** Of the coordinator, when all had come to rest: a status, or `absent`. */
  readonly status: string;
}

/** Judges a run by what is in the participants' database. */
export function judgeChaos(cases: readonly ChaosCase[], books: Books): readonly ChaosViolation[] {
  const known = new Set(cases.map(({ gid }) => gid));
  const byGid = groupBy(books.entries, ({ gid }) => gid);
  return [
    ...cases.flatMap((one) => caseViolations(one, byGid.get(one.gid) ?? [])),
    ...[...byGid.keys()]
      .filter((gid) => !known.has(gid))
      .map((gid) => violation('stranger', gid, 'no initiator planned it')),
    ...accountViolations(books),
    ...books.prepared.map((name) => violation('left-prepared', '', name)),
  ];
}

/**
 * The outcomes that no transaction of a pattern had: a run proves nothing about the confirmation of
 * a TCC if each was cancelled.
 */
export function oneSidedPatterns(cases: readonly ChaosCase[], database: DatabaseName): readonly string[] {
  const seen = new Set(cases.map(({ plan, status }) => `${plan.pattern} ${status}`));
  return patternsOn(database).flatMap((pattern) => [
    ...(seen.has(`${pattern} succeed`) ? [] : [`no ${pattern} succeeded`]),
    ...(seen.has(`${pattern} failed`) ? [] : [`no ${pattern} failed`]),
  ]);
}

function caseViolations(one: ChaosCase, entries: readonly Entry[]): readonly ChaosViolation[] {
  const { gid, status } = one;
  const counts = new Map<string, number>();
  for (const { step, op } of entries) counts.set(`${step} ${op}`, (counts.get(`${step} ${op}`) ?? 0) + 1);
  const twice = [...counts]
    .filter(([, count]) => count > 1)
    .map(([key, count]) => violation('twice', gid, `step ${key} took effect ${count} times`));
  if (!['succeed', 'failed', 'absent'].includes(status))
    return [...twice, violation('not-final', gid, `it is ${status}`)];
  return [...twice, ...effectViolations(one, counts), ...outcomeViolations(one)];
}

/** Ops of each step by how a transaction ended. */
interface Ops {
  readonly succeed: readonly string[];
  /** Each of these the same number of times. */
  readonly failed: readonly string[];
}

const OPS: Readonly<Record<ChaosPlan['pattern'] | 'flow xa', Ops>> = {
  saga: { succeed: ['action'], failed: ['action', 'compensate'] },
  tcc: { succeed: ['try', 'confirm'], failed: ['try', 'cancel'] },
  xa: { succeed: ['action'], failed: [] },
  msg: { succeed: ['action'], failed: [] },
  workflow: { succeed: ['action'], failed: ['action', 'rollback'] },
  'flow xa': { succeed: ['action'], failed: [] },
};

function effectViolations({ gid, plan, status }: ChaosCase, counts: ReadonlyMap<string, number>): ChaosViolation[] {
  const left = new Map(counts);
  const take = (step: number, op: string): number => {
    const count = left.get(`${step} ${op}`) ?? 0;
    left.delete(`${step} ${op}`);
    return count;
  };
  const found: string[] = [];
  const local = plan.local === undefined ? 1 : take(0, 'msg');
  if (status === 'succeed' && local === 0) found.push('it was delivered, but its local transaction is not there');
  if (status !== 'succeed' && plan.local !== undefined && local > 0)
    found.push('its local transaction is there, but it was not delivered');
  for (const { step, kind } of plan.steps) {
    const { succeed, failed } = OPS[plan.pattern === 'workflow' && kind === 'xa' ? 'flow xa' : plan.pattern];
    if (status === 'succeed') {
      for (const op of succeed) if (take(step, op) === 0) found.push(`step ${step} has no ${op}`);
    } else {
      const times = failed.map((op) => take(step, op));
      if (new Set(times).size > 1)
        found.push(`step ${step} has ${failed.map((op, index) => `${op} ${times[index]} times`).join(', ')}`);
    }
  }
  found.push(...[...left.keys()].map((key) => `step ${key} took effect`));
  return found.map((detail) => violation('half-done', gid, `it is ${status}, but ${detail}`));
}

function outcomeViolations({ gid, plan, reported, status }: ChaosCase): ChaosViolation[] {
  const found: ChaosViolation[] = [];
  const mustFail = plan.flavour === 'refused' || plan.flavour === 'thrown';
  if (mustFail && status === 'succeed')
    found.push(violation('wrong-outcome', gid, `${plan.flavour}, but it succeeded`));
  // A tcc or xa may fail because a call timed out, an XA step because it waited too long for a
  // lock.
  const mayFail = mustFail || plan.flavour === 'timeout' || plan.steps.some(({ kind }) => kind === 'xa');
  const mustSucceed = !mayFail && (plan.pattern === 'saga' || plan.pattern === 'workflow');
  if (mustSucceed && status === 'failed')
    found.push(violation('wrong-outcome', gid, 'each step can succeed, but it failed'));
  if (reported === 'success' && status !== 'succeed')
    found.push(violation('reported-wrong', gid, `the initiator received a success, but the transaction is ${status}`));
  if (reported === 'failed' && status === 'succeed')
    found.push(violation('reported-wrong', gid, 'the initiator received a failure, but the transaction succeeded'));
  return found;
}

function accountViolations({ entries, accounts }: Books): ChaosViolation[] {
  const sums = accounts.map(() => ({ balance: OPENING_BALANCE, frozen: 0 }));
  for (const { op, changes } of entries)
    for (const { account, amount } of changes) {
      const sum = sums[account];
      if (sum === undefined) continue;
      const delta = deltaOf(op, amount);
      sum.balance += delta.balance;
      sum.frozen += delta.frozen;
    }
  const wrong = accounts.flatMap(({ balance, frozen }, account) => {
    const sum = sums[account];
    if (sum?.balance === balance && sum.frozen === frozen) return [];
    return [
      `account ${account} has ${balance} (frozen ${frozen}), its effects add up to ${sum?.balance} (${sum?.frozen})`,
    ];
  });
  const total = accounts.reduce((sum, { balance }) => sum + balance, 0);
  const frozen = accounts.filter((account) => account.frozen !== 0).length;
  if (total !== accounts.length * OPENING_BALANCE) wrong.push(`all accounts have ${total} together`);
  if (frozen > 0) wrong.push(`${frozen} accounts have a frozen amount`);
  return wrong.map((detail) => violation('not-conserved', '', detail));
}

const violation = (kind: ChaosViolationKind, gid: string, detail: string): ChaosViolation => ({ kind, gid, detail });
