import { describe, expect, it } from 'vitest';
import { NO_FAULT } from '../../src/fault.ts';
import { type ChaosCase, judgeChaos, oneSidedPatterns } from '../../src/chaos/chaos-judge.ts';
import type { ChaosPlan, PlannedStep } from '../../src/chaos/chaos-plan.ts';
import type { Books } from '../../src/chaos/databases/chaos-database.ts';
import { deltaOf, type Entry, OPENING_BALANCE } from '../../src/chaos/databases/ledger.ts';

const stepOf = (step: number, amount: number): PlannedStep => ({
  step,
  changes: [{ account: 0, amount }],
  termination: '',
  numbered: false,
  refuse: false,
  holdMs: 0,
  participant: 0,
  forward: NO_FAULT,
  undo: NO_FAULT,
  sparesForward: false,
  kind: 'call',
});

/** Two steps that move 3 and back. */
const planOf = (pattern: ChaosPlan['pattern'], flavour: ChaosPlan['flavour'] = 'plain'): ChaosPlan => ({
  pattern,
  flavour,
  local: pattern === 'msg' ? stepOf(0, 0) : undefined,
  steps: [stepOf(1, 3), stepOf(2, -3)],
  isSpared: false,
  wait: false,
});

const caseOf = (plan: ChaosPlan, status: string, reported?: ChaosCase['reported']): ChaosCase => ({
  gid: 'g',
  plan,
  status,
  reported,
});

/** The books of the ops `1 action`, … in their order; accounts are what they add up to. */
function booksOf(ops: readonly string[], more: Partial<Books> = {}): Books {
  const entries = ops.map((text): Entry => {
    const [step = '', op = ''] = text.split(' ');
    const amounts: Readonly<Record<string, number>> = { 0: 0, 1: 3, 2: -3 };
    return { gid: 'g', step: Number(step), op, changes: [{ account: 0, amount: amounts[step] ?? 0 }] };
  });
  const sum = { balance: OPENING_BALANCE, frozen: 0 };
  for (const { op, changes } of entries)
    for (const { amount } of changes) {
      sum.balance += deltaOf(op, amount).balance;
      sum.frozen += deltaOf(op, amount).frozen;
    }
  return { entries, accounts: [sum], prepared: [], ...more };
}

const kindsOf = (one: ChaosCase, books: Books): readonly string[] => [
  ...new Set(judgeChaos([one], books).map(({ kind }) => kind)),
];

describe('the judge of a chaos run', () => {
  it.each([
    ['saga', 'succeed', ['1 action', '2 action']],
    ['saga', 'failed', ['1 action', '1 compensate']],
    ['saga', 'absent', []],
    ['tcc', 'succeed', ['1 try', '2 try', '1 confirm', '2 confirm']],
    ['tcc', 'failed', ['1 try', '2 try', '1 cancel', '2 cancel']],
    ['xa', 'succeed', ['1 action', '2 action']],
    ['xa', 'failed', []],
    ['msg', 'succeed', ['0 msg', '1 action', '2 action']],
    ['msg', 'failed', []],
    ['workflow', 'succeed', ['1 action', '2 action']],
    ['workflow', 'failed', ['1 action', '1 rollback']],
  ] as const)('finds nothing wrong with a %s that is %s with its effects', (pattern, status, ops) => {
    expect(kindsOf(caseOf(planOf(pattern), status), booksOf(ops))).toEqual(
      // A plain saga or workflow may not fail.
      status === 'failed' && (pattern === 'saga' || pattern === 'workflow') ? ['wrong-outcome'] : [],
    );
  });

  it('a plain workflow may fail if one of its steps is of XA, which may have waited too long for a lock', () => {
    const plan = planOf('workflow');
    const withXa = { ...plan, steps: plan.steps.map((step) => ({ ...step, kind: 'xa' as const })) };
    expect(kindsOf(caseOf(withXa, 'failed'), booksOf([]))).toEqual([]);
  });

  it.each([
    ['saga', 'succeed', ['1 action', '2 action', '2 action'], 'twice'],
    ['saga', 'succeed', ['1 action'], 'half-done'],
    ['saga', 'failed', ['1 action'], 'half-done'],
    ['saga', 'failed', ['1 compensate'], 'half-done'],
    ['saga', 'absent', ['1 action'], 'half-done'],
    ['saga', 'submitted', [], 'not-final'],
    ['tcc', 'succeed', ['1 try', '2 try', '1 confirm'], 'half-done'],
    ['tcc', 'failed', ['1 try', '1 confirm'], 'half-done'],
    ['tcc', 'failed', ['1 try'], 'not-conserved'],
    ['xa', 'failed', ['1 action'], 'half-done'],
    ['msg', 'failed', ['0 msg'], 'half-done'],
    ['msg', 'succeed', ['1 action', '2 action'], 'half-done'],
    ['workflow', 'failed', ['2 rollback'], 'half-done'],
  ] as const)('convicts a %s that is %s with the effects %j: %s', (pattern, status, ops, kind) => {
    expect(kindsOf(caseOf(planOf(pattern), status), booksOf(ops))).toContain(kind);
  });

  it('convicts an outcome that the plan excludes, and one that differs from what the initiator received', () => {
    const done = booksOf(['1 action', '2 action']);
    expect(kindsOf(caseOf(planOf('saga', 'refused'), 'succeed'), done)).toEqual(['wrong-outcome']);
    expect(kindsOf(caseOf(planOf('xa', 'thrown'), 'succeed'), done)).toEqual(['wrong-outcome']);
    expect(kindsOf(caseOf(planOf('saga'), 'succeed', 'failed'), done)).toEqual(['reported-wrong']);
    expect(kindsOf(caseOf(planOf('xa'), 'failed', 'success'), booksOf([]))).toEqual(['reported-wrong']);
    expect(kindsOf(caseOf(planOf('xa'), 'failed', 'unclear'), booksOf([]))).toEqual([]);
  });

  it('convicts effects that are in no plan, changes without an effect, and transactions left prepared', () => {
    const none = booksOf([]);
    expect(judgeChaos([], booksOf(['1 action', '2 action'])).map(({ kind }) => kind)).toEqual(['stranger']);
    expect(kindsOf(caseOf(planOf('saga'), 'absent'), { ...none, accounts: [{ balance: 999, frozen: 0 }] })).toEqual([
      'not-conserved',
    ]);
    expect(kindsOf(caseOf(planOf('xa'), 'failed'), { ...none, prepared: ['g-01'] })).toEqual(['left-prepared']);
  });
});

describe('a run of which each pattern has succeeded and failed', () => {
  const PATTERNS = ['saga', 'tcc', 'xa', 'msg', 'workflow'] as const;
  const both = PATTERNS.flatMap((pattern) => [
    caseOf(planOf(pattern), 'succeed'),
    caseOf(planOf(pattern, 'refused'), 'failed'),
  ]);

  it('proves something about each pattern', () => expect(oneSidedPatterns(both, 'mysql')).toEqual([]));

  it.each(PATTERNS.flatMap((pattern) => [[pattern, 'succeed'] as const, [pattern, 'failed'] as const]))(
    'proves nothing about %s when none of its transactions is %s',
    (pattern, missing) => {
      const rest = both.filter(({ plan, status }) => plan.pattern !== pattern || status !== missing);
      const outcome = missing === 'succeed' ? 'succeeded' : 'failed';
      expect(oneSidedPatterns(rest, 'postgres')).toEqual([`no ${pattern} ${outcome}`]);
    },
  );

  it('demands no XA of Redis, which has none', () => {
    const rest = both.filter(({ plan }) => plan.pattern !== 'xa');
    expect(oneSidedPatterns(rest, 'redis')).toEqual([]);
    expect(oneSidedPatterns(rest, 'postgres')).toEqual(['no xa succeeded', 'no xa failed']);
  });

  it('does not count transactions that the coordinator never received or has not finished', () => {
    const open = [...both.slice(1), caseOf(planOf('saga'), 'submitted'), caseOf(planOf('saga'), 'absent')];
    expect(oneSidedPatterns(open, 'mysql')).toEqual(['no saga succeeded']);
  });
});
