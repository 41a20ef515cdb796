import type { TransactionKey } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { FinalWaiters } from '../../src/engine/final-waiters.ts';
import type { Clock } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { InsertItem, WriteItem } from '../../src/store/index.ts';
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

it('a node that stops ends all waits at once, also those that begin afterwards', async () => {
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

describe('transactions that other nodes drive', () => {
  const keyOf = (gid: string): TransactionKey => ({ namespace: 'default', gid });
  const insert = (gid: string): WriteItem => ({
    kind: 'insert',
    key: keyOf(gid),
    writeId: `w-${gid}`,
    pattern: 'tcc',
    group: '',
    status: 'submitted',
    owner: null,
    dueInMs: null,
    attention: false,
    definition: new Uint8Array(1),
    state: new Uint8Array(1),
  });

  async function setUp(count: number) {
    const store = new MemoryStore(() => 0);
    const clock = new ManualClock();
    const requests: { method: string; keys: number }[] = [];
    const counting = new Proxy(store, {
      get: (target, name: string) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (name === 'get' || name === 'versions')
            requests.push({ method: name, keys: (args[0] as unknown[]).length });
          return member.apply(target, args) as unknown;
        };
      },
    });
    const gids = Array.from({ length: count }, (_, i) => `g${i}`);
    for (let i = 0; i < count; i += 1_000) await store.write(gids.slice(i, i + 1_000).map(insert));
    const waiters = new FinalWaiters({ store: counting, clock, logger, drivenHere: () => false });
    const ended: string[] = [];
    for (const gid of gids) void waiters.wait(keyOf(gid), 60_000, undefined).then(() => ended.push(gid));
    const keysOf = (method: string): number =>
      requests.filter((one) => one.method === method).reduce((sum, { keys }) => sum + keys, 0);
    return { store, clock, requests, keysOf, ended };
  }

  it('are read when their versions change, and not while they do not', async () => {
    const { store, clock, requests, keysOf, ended } = await setUp(10);
    await clock.advance(150);
    requests.length = 0;
    await clock.advance(1_000);
    expect([keysOf('get'), keysOf('versions')]).toEqual([0, 100]);
    const { key, writeId, state, attention } = insert('g3') as InsertItem;
    await store.write([
      {
        kind: 'update',
        key,
        writeId: `${writeId}-2`,
        state,
        attention,
        owner: null,
        dueInMs: null,
        status: 'succeed',
        expectVersion: 1,
      },
    ]);
    await clock.advance(200);
    expect([ended, keysOf('get')]).toEqual([['g3'], 1]);
  });

  it('are polled in turns, a bounded number at a time', async () => {
    const { clock, requests, keysOf } = await setUp(5_000);
    await clock.advance(310);
    expect(Math.max(...requests.map(({ keys }) => keys))).toBeLessThanOrEqual(2_000);
    expect(keysOf('versions')).toBe(6_000);
    // Each once, in three polls.
    expect(keysOf('get')).toBe(5_000);
  });
});
