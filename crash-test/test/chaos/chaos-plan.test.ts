import { describe, expect, it } from 'vitest';
import { type ChaosPlan, planOf } from '../../src/chaos/chaos-plan.ts';
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
});
