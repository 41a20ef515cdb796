import { randomUUID } from 'node:crypto';
import { barrierSuite } from '@holdfast/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith } from '../../../../tools/src/describe-with.ts';
import type { RedisTx } from '../../src/barrier/redis-tx.ts';
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
});
