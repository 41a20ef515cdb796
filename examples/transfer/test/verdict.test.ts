import { describe, expect, it } from 'vitest';
import { type Outcome, verdictOf } from '../src/program/verdict.ts';

const before = { ana: 100, ben: 100, held: 0, announced: 0 };
const facts = { amount: 30, before, after: before, prepared: [], status: 'failed' as const };
const moved = { ...facts, status: 'succeed' as const, after: { ...before, ana: 70, ben: 130 } };

describe('a transfer', () => {
  it.each([
    ['committed', moved],
    ['rolled back', facts],
  ] as const)('is well when it was %s by both banks', (outcome, all) => {
    expect(verdictOf(all)).toEqual({ outcome, complaints: [] });
  });

  it.each<readonly [wrong: string, after: typeof before, outcome: Outcome]>([
    ['only taken', { ...before, ana: 70 }, 'HALF DONE'],
    ['only given', { ...before, ben: 130 }, 'HALF DONE'],
    ['given twice', { ...before, ana: 70, ben: 160 }, 'HALF DONE'],
  ])('is not well when the money was %s', (_, after, outcome) => {
    const verdict = verdictOf({ ...moved, after });
    expect(verdict.outcome).toBe(outcome);
    expect(verdict.complaints).toContain('the banks do not agree on what happened');
    expect(verdict.complaints).toContain('money was made or lost');
  });

  it('is incomplete while an amount is held, announced or prepared', () => {
    expect(verdictOf({ ...moved, after: { ...moved.after, ana: 40, held: 30 } }).complaints).toContain(
      'something is still set aside',
    );
    expect(verdictOf({ ...facts, after: { ...before, announced: 30 } }).complaints).toEqual([
      'something is still set aside',
    ]);
    expect(verdictOf({ ...moved, prepared: ['g-01 in MariaDB'] }).complaints).toEqual([
      'still prepared: g-01 in MariaDB',
    ]);
  });

  it('is inconsistent if the coordinator reports another outcome, or has not finished it', () => {
    expect(verdictOf({ ...moved, status: 'failed' }).complaints).toEqual(['the coordinator reports failed']);
    expect(verdictOf({ ...facts, status: 'succeed' }).complaints).toEqual(['the coordinator reports succeed']);
    expect(verdictOf({ ...facts, status: 'aborting' }).complaints).toEqual(['the coordinator reports aborting']);
  });
});
