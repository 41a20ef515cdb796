import { expect, it } from 'vitest';
import { FinalWaiters } from '../../src/engine/final-waiters.ts';
import { type Clock, MemoryStore } from '../../src/index.ts';

/** Its timers never fire. */
const CLOCK: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
  endOfTurn: () => undefined,
};
const KEY = { namespace: 'default', gid: 'order-1' };
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

it('lets everybody go when the node stops, also those who ask again', async () => {
  const waiters = new FinalWaiters({
    store: new MemoryStore(() => 0),
    clock: CLOCK,
    logger,
    drivenHere: () => true,
  });
  const before = waiters.wait(KEY, 30_000, undefined);
  expect(waiters.count).toBe(1);
  waiters.endAll();
  await before;
  await waiters.wait(KEY, 30_000, undefined);
  expect(waiters.count).toBe(0);
});
