import { describe, expect, it } from 'vitest';
import {
  type BranchConnections,
  ConnectionPools,
  type HttpEnvironment,
  machine,
  type OriginPool,
} from '@holdfast/branches';
import { BranchServer } from '@holdfast/testing/participant';
import { branchRequest } from '../support/requests.ts';
import { branchRouter } from '../support/routers.ts';

/** The machine with another clock. */
const at = (monotonicMs: () => number): HttpEnvironment => ({
  ...machine,
  clock: { ...machine.clock, monotonicMs },
});

describe('connection pools', () => {
  it('drop the pool that was idle longest when the bound is reached, never one in use', async () => {
    let nowMs = 0;
    const pools = new ConnectionPools({ maxOrigins: 2, environment: at(() => ++nowMs) });
    const first = pools.acquire('http://a') as OriginPool<BranchConnections>;
    const second = pools.acquire('http://b') as OriginPool<BranchConnections>;
    expect(pools.acquire('http://c')).toBeUndefined();
    second.release(true);
    first.release(true);
    const third = pools.acquire('http://c');
    expect(third).toBeDefined();
    expect(pools.acquire('http://a')).toBe(first);
    expect(second.pool.isDestroyed).toBe(true);
    expect(pools.size).toBe(2);
    await pools.close();
  });

  it('take the place of an origin that has not responded for a while, and never of one that responds', async () => {
    await using hanging = await BranchServer.start(() => {});
    let nowMs = 0;
    const noRoom: unknown[] = [];
    const onNoRoom = (...event: unknown[]): unknown => noRoom.push(event);
    const pools = new ConnectionPools({ maxOrigins: 2, holdMs: 5_000, environment: at(() => nowMs), onNoRoom });
    const router = branchRouter(pools);
    const hung = router.call(branchRequest(`${hanging.url}/`, { timeoutMs: 3_600_000 }));
    const responding = pools.acquire('http://a') as OriginPool<BranchConnections>;
    nowMs = 4_999;
    expect(pools.acquire('http://b')).toBeUndefined();
    pools.acquire('http://a');
    responding.release(true);
    nowMs = 5_000;
    const needed = pools.acquire('http://b');
    expect(needed).toBeDefined();
    expect(await hung).toMatchObject({ kind: 'UNKNOWN', reason: expect.stringContaining('no response for 5000 ms') });
    expect(noRoom).toEqual([
      ['http://b', undefined],
      ['http://b', hanging.url],
    ]);
    expect(pools.acquire('http://c')).toBeUndefined();
    await router.close();
  });

  it('close connections that were unused for the idle time', async () => {
    let nowMs = 0;
    const pools = new ConnectionPools({ idleMs: 60_000, environment: at(() => nowMs) });
    const used = pools.acquire('http://a') as OriginPool<BranchConnections>;
    const idle = pools.acquire('http://b') as OriginPool<BranchConnections>;
    idle.release(true);
    nowMs = 59_999;
    pools.closeIdle();
    expect(pools.size).toBe(2);
    nowMs = 60_000;
    pools.closeIdle();
    expect(pools.size).toBe(1);
    expect(pools.acquire('http://a')).toBe(used);
    await pools.close();
  });

  it('give out nothing after closing', async () => {
    const pools = new ConnectionPools();
    await pools.close();
    expect(pools.acquire('http://a')).toBeUndefined();
  });

  it('make a call wait without counting it as an attempt when there is no room for its destination', async () => {
    await using busy = await BranchServer.start(() => {});
    const router = branchRouter(new ConnectionPools({ maxOrigins: 1 }));
    const running = router.call(branchRequest(`${busy.url}/`));
    const result = await router.call(branchRequest('http://127.0.0.1:1/'));
    expect(result).toMatchObject({ kind: 'UNKNOWN', deferred: true });
    await router.close();
    expect((await running).kind).toBe('UNKNOWN');
  });
});
