import { describe, expect, it } from 'vitest';
import { type ChaosPlan, planOf } from '../../src/chaos/chaos-plan.ts';
import { cutChooser } from '../../src/chaos/cuts.ts';
import { createRandom } from '../../src/random.ts';
import { NO_FAULT } from '../../src/fault.ts';
import type { DatabaseName } from '../../src/chaos/databases/chaos-database.ts';

const plansOf = (database: DatabaseName): readonly ChaosPlan[] =>
  Array.from({ length: 500 }, (_, number) => planOf(7, number, database));

describe('the plan of a chaos run', () => {
  it('is the same for the same seed, and another one for another seed', () => {
    expect(plansOf('postgres')).toEqual(plansOf('postgres'));
    expect(planOf(8, 1, 'postgres')).not.toEqual(planOf(7, 1, 'postgres'));
  });

  it('moves money, and makes none', () => {
    for (const { local, steps } of plansOf('mysql')) {
      const all = [...(local === undefined ? [] : [local]), ...steps].flatMap(({ changes }) => changes);
      expect(all.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
    }
  });

  it('has every pattern, flavour and fault of calls; on Redis no XA', () => {
    const seen = (plans: readonly ChaosPlan[]): Set<string> =>
      new Set(
        plans.flatMap(({ pattern, flavour, steps }) => [
          `${pattern} ${flavour}`,
          ...steps.flatMap(({ kind, forward, undo, termination }) => [kind, forward.kind, undo.kind, termination]),
        ]),
      );
    const all = [
      ...['saga plain', 'saga refused', 'saga timeout', 'tcc plain', 'tcc refused', 'tcc timeout', 'tcc thrown'],
      ...['msg plain', 'msg thrown', 'msg slow', 'workflow plain', 'workflow refused'],
      ...['local', 'call', 'twice', 'unknown', 'lost', 'late', 'before work', 'after work'],
    ];
    expect([...seen(plansOf('postgres'))]).toEqual(expect.arrayContaining([...all, 'xa', 'xa plain', 'xa thrown']));
    expect([...seen(plansOf('redis'))]).toEqual(expect.arrayContaining(all));
    expect(seen(plansOf('redis'))).not.toContain('xa');
    expect(seen(plansOf('redis'))).not.toContain('xa plain');
  });

  it('has two-phase transactions with no fault before the commit, and with steps that may fail after it', () => {
    for (const pattern of ['tcc', 'xa'] as const) {
      const plain = plansOf('postgres').filter((plan) => plan.pattern === pattern && plan.flavour === 'plain');
      const spared = plain.filter(({ isSpared }) => isSpared);
      expect(spared.length).toBeGreaterThan(plain.length / 3);
      expect(spared.length).toBeLessThan(plain.length);
      const steps = spared.flatMap((plan) => plan.steps);
      for (const { forward, sparesForward } of steps)
        expect({ forward, sparesForward }).toEqual({ forward: NO_FAULT, sparesForward: true });
      expect(new Set(steps.map(({ undo }) => undo.kind)).size).toBeGreaterThan(2);
    }
  });

  it('has sagas whose steps run at once and want the same accounts in opposite orders, or for longer than a lock wait', () => {
    const clashes = plansOf('mysql').filter(({ flavour }) => flavour === 'deadlock' || flavour === 'long wait');
    expect(new Set(clashes.map(({ pattern }) => pattern))).toEqual(new Set(['saga']));
    for (const { flavour, steps } of clashes) {
      const [first = [], second = []] = steps.map(({ changes }) => changes.map(({ account }) => account));
      expect(second).toEqual(flavour === 'deadlock' ? first.toReversed() : first);
      expect(new Set(first).size).toBe(2);
      for (const { forward, holdMs } of steps) {
        expect(forward).toEqual(NO_FAULT);
        expect(holdMs).toBeGreaterThan(flavour === 'deadlock' ? 50 : 1_000);
      }
    }
    expect(new Set(clashes.map(({ flavour }) => flavour)).size).toBe(2);
  });
});

describe('the cuts of a chaos run', () => {
  it.each([
    ['begin', ['cut']],
    ['barrier', ['cut', 'response lost']],
    ['commit', ['cut', 'response lost', 'response torn']],
    ['prepare', ['cut', 'response lost']],
    ['end of prepared', ['cut', 'response lost']],
    ['script', ['cut', 'response lost', 'response torn']],
  ] as const)('at %s: each kind comes within 150 requests, whatever the seed', (moment, cuts) => {
    for (let seed = 1; seed <= 200; seed++) {
      const choose = cutChooser(createRandom(seed, 1));
      const seen = Array.from({ length: 150 }, () => choose(moment));
      expect(new Set(seen.filter((cut) => cut !== undefined))).toEqual(new Set(cuts));
      expect(seen.filter((cut) => cut !== undefined).length).toBeLessThan(20);
    }
  });
});
