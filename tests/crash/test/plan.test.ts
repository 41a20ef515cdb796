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

  it('submits a part of each pattern over gRPC, with branches over gRPC, over HTTP and over both', () => {
    const seen = new Set(
      numbers.map((number) => {
        const plan = makePlan(7, number);
        const branches = [...new Set(plan.branches.map(({ protocol }) => protocol))].toSorted();
        return `${plan.pattern} over ${plan.submission} with ${branches.join(' and ')}`;
      }),
    );
    const patterns = ['saga', 'tcc', 'msg', 'workflow'];
    const variants = ['grpc', 'http'].flatMap((submission) =>
      ['grpc', 'http', 'grpc and http'].map((branches) => `over ${submission} with ${branches}`),
    );
    expect(seen).toEqual(new Set(patterns.flatMap((pattern) => variants.map((variant) => `${pattern} ${variant}`))));
  });

  it('checks back and calls workflows back over both protocols', () => {
    const seen = new Set(
      numbers.flatMap((number) => {
        const plan = makePlan(7, number);
        if (plan.pattern === 'msg') return [`check-back over ${plan.checkProtocol}`];
        return plan.pattern === 'workflow' ? [`callback over ${plan.callbackProtocol}`] : [];
      }),
    );
    expect([...seen].toSorted()).toEqual([
      'callback over grpc',
      'callback over http',
      'check-back over grpc',
      'check-back over http',
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
