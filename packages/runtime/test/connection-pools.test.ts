import { describe, expect, it } from 'vitest';
import { BranchRouter, ConnectionPools, type OriginPool } from '@holdfast/runtime';
import { BranchServer } from './support/branch-server.ts';
import { branchRequest } from './support/requests.ts';

describe('connection pools', () => {
  it('drop the pool that was idle longest when the bound is reached, never one in use', async () => {
    let nowMs = 0;
    const pools = new ConnectionPools({ maxOrigins: 2, nowMs: () => ++nowMs });
    const first = pools.acquire('http://a') as OriginPool;
    const second = pools.acquire('http://b') as OriginPool;
    expect(pools.acquire('http://c')).toBeUndefined();
    second.release();
    first.release();
    const third = pools.acquire('http://c');
    expect(third).toBeDefined();
    expect(pools.acquire('http://a')).toBe(first);
    expect(second.pool.isDestroyed).toBe(true);
    expect(pools.size).toBe(2);
    await pools.close();
  });

  it('close what nobody used for the idle time', async () => {
    let nowMs = 0;
    const pools = new ConnectionPools({ idleMs: 60_000, nowMs: () => nowMs });
    const used = pools.acquire('http://a') as OriginPool;
    const idle = pools.acquire('http://b') as OriginPool;
    idle.release();
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
    const router = new BranchRouter({ pools: new ConnectionPools({ maxOrigins: 1 }) });
    const running = router.call(branchRequest(`${busy.url}/`));
    const result = await router.call(branchRequest('http://127.0.0.1:1/'));
    expect(result).toMatchObject({ kind: 'UNKNOWN', deferred: true });
    await router.close();
    expect((await running).kind).toBe('UNKNOWN');
  });
});
