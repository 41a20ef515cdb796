import { randomUUID } from 'node:crypto';
import { barrierSuite } from '@holdfast/conformance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { RedisTx } from '../../src/barrier/redis-tx.ts';
import { runInBranch } from '../../src/participants/branch-context.ts';
import { LIBRARIES, openRedisWorld, type RedisWorld } from './redis-world.ts';

describeWith(['redis-server'], 'on Redis', () => {
  let world: RedisWorld;
  beforeAll(async () => {
    world = await openRedisWorld();
  });
  afterAll(() => world.close());

  for (const library of LIBRARIES) {
    barrierSuite({
      name: library,
      test: { describe, it },
      createPlace: async () => {
        const number = `number-${randomUUID()}`;
        return {
          barrier: world.barriers[library](),
          add: (tx: RedisTx, amount: number) => tx.call('INCRBY', number, amount),
          read: async () => Number((await world.look.get(number)) ?? 0),
          remove: async () => void (await world.look.del(number)),
        };
      },
    });
  }

  it('copies of a call, and two barriers over one client, count the uses of a handler together', async () => {
    const [one, other] = [world.barriers.ioredis(), world.barriers.ioredis()];
    const call = { gid: randomUUID(), transType: 'saga', branchId: '01', op: 'action', payload: undefined } as const;
    const runs: boolean[] = [];
    for (let times = 0; times < 2; times++) {
      const served = { ...call, query: new URLSearchParams() };
      await runInBranch(served, async () => {
        for (const barrier of [one, other, one])
          runs.push((await barrier.run({ ...served }, (tx) => tx.call('INCR', call.gid))).ran);
      });
    }
    expect(runs).toEqual([true, true, true, false, false, false]);
    expect(await world.look.get(call.gid)).toBe('3');
  });
});
