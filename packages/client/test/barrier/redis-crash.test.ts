import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { LIBRARIES, openRedisWorld, type RedisWorld } from './redis-world.ts';

const CALLS = 200;

describeWith(['redis-server'], 'a Redis that is killed while calls are under way, and started again', () => {
  let world: RedisWorld;
  beforeAll(async () => {
    world = await openRedisWorld();
  });
  afterAll(() => world.close());

  it.each(LIBRARIES)('has carried out each call once when all have succeeded, over %s', async (library) => {
    const { server, look } = world;
    const barrier = world.barriers[library]();
    await look.set('acc', 0);
    let responded = 0;
    let halfway = (): void => {};
    const half = new Promise<void>((resolve) => (halfway = resolve));
    /** Repeats a call until it succeeds, as the coordinator does. */
    const untilResponse = async (index: number): Promise<void> => {
      const call = { gid: `${library}${index}`, transType: 'saga', branchId: '01', op: 'action' } as const;
      for (let tries = 0; tries < 1_000; tries++) {
        const done = await barrier
          .run({ ...call }, (tx) => tx.call('INCR', 'acc'))
          .then(
            () => true,
            () => false,
          );
        if (done) {
          if (++responded === CALLS / 2) halfway();
          return;
        }
        await look.ping().catch(() => undefined);
      }
    };
    // In four lanes, so that the kill finds some before, some within and some after their script.
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      for (let index = lane; index < CALLS; index += 4) await untilResponse(index);
    });
    await half;
    await server.kill();
    await server.start();
    await Promise.all(lanes);
    expect([responded, await look.get('acc')]).toEqual([CALLS, String(CALLS)]);
  });
});
