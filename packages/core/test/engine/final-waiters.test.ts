import { expect, it } from 'vitest';
import { FinalWaiters } from '../../src/engine/final-waiters.ts';
import { type Clock, MemoryStore } from '../../src/index.ts';
import { ManualClock } from '../support/manual-clock.ts';

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

it('reads a whole record only when its version changed, and few of them at once', async () => {
  const clock = new ManualClock();
  const reads: number[] = [];
  class CountingStore extends MemoryStore {
    override async get(keys: Parameters<MemoryStore['get']>[0]) {
      reads.push(keys.length);
      return super.get(keys);
    }
  }
  const store = new CountingStore(() => 1_700_000_000_000);
  const body = new Uint8Array(0);
  const keys = Array.from({ length: 300 }, (_, i) => ({ namespace: 'default', gid: `order-${i}` }));
  const settings = { owner: null, dueInMs: null, attention: false, state: body } as const;
  await store.write(
    keys.map((key) => ({
      ...{ kind: 'insert', key, writeId: key.gid, status: 'submitted', pattern: 'saga', group: '', definition: body },
      ...settings,
    })),
  );
  const waiters = new FinalWaiters({ store, clock, logger, drivenHere: () => false });
  const waiting = keys.map((key) => waiters.wait(key, 60_000, undefined));
  await clock.advance(5_000);
  expect(reads.reduce((sum, count) => sum + count, 0)).toBe(300);
  expect(Math.max(...reads)).toBeLessThanOrEqual(32);
  const [key] = keys;
  if (key === undefined) throw new Error('there are keys');
  await store.write([{ kind: 'update', key, writeId: 'end', status: 'succeed', expectVersion: 1, ...settings }]);
  await clock.advance(200);
  await waiting[0];
  expect(waiters.count).toBe(299);
  expect(reads.reduce((sum, count) => sum + count, 0)).toBe(301);
  waiters.endAll();
});
