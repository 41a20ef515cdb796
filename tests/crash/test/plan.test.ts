import { describe, expect, it } from 'vitest';
import { planKills } from '../src/kill-plan.ts';
import { makePlan } from '../src/make-plan.ts';

const numbers = Array.from({ length: 2_000 }, (_, number) => number);

describe('the plan of a run', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(numbers.map((number) => makePlan(7, number))).toEqual(numbers.map((number) => makePlan(7, number)));
    expect(makePlan(7, 1)).not.toEqual(makePlan(8, 1));
  });

  it('gives every transaction a unique gid, most of them a prefix of the next one', () => {
    const gids = numbers.map((number) => makePlan(7, number).gid);
    expect(new Set(gids).size).toBe(gids.length);
    const prefixes = gids.filter((gid, index) => gids[index + 1]?.startsWith(gid));
    expect(prefixes.length).toBe(numbers.length * 0.9);
  });

  it('contains every flavour of every pattern', () => {
    const flavours = new Set(
      numbers.map((number) => makePlan(7, number)).map(({ pattern, flavour }) => `${pattern} ${flavour}`),
    );
    expect([...flavours].toSorted()).toEqual([
      'msg abort',
      'msg dies',
      'msg direct',
      'msg late',
      'msg silent',
      'msg submit',
      'saga limited',
      'saga plain',
      'saga refused',
      'saga timeout',
      'tcc abort',
      'tcc dies',
      'tcc doubtful',
      'tcc refused',
      'tcc submit',
      'workflow dies',
      'workflow plain',
      'workflow refused',
    ]);
  });

  it('orders a concurrent saga without cycles', () => {
    const orders = numbers
      .map((number) => makePlan(7, number))
      .flatMap((plan) => (plan.pattern === 'saga' ? [plan.orders] : []));
    const edges = orders.flatMap((one) =>
      Object.entries(one).flatMap(([step, before]) => before.map((index) => [Number(step), index] as const)),
    );
    expect(edges.length).toBeGreaterThan(100);
    expect(edges.filter(([step, before]) => before >= step)).toEqual([]);
  });

  it('has the requested number of kills, with times of service of the same sum', () => {
    const kills = planKills(7, 10, 30);
    expect(kills).toHaveLength(10);
    const serviceMs = kills.filter(({ during }) => during === 'serving').reduce((sum, { afterMs }) => sum + afterMs, 0);
    expect(serviceMs).toBeGreaterThan(29_900);
    expect(serviceMs).toBeLessThan(30_100);
    expect(planKills(7, 10, 30)).toEqual(kills);
  });
});
