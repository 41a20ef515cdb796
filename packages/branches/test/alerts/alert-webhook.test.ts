import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AlertWebhook, ConnectionPools } from '@holdfast/branches';
import type { Alert, Clock, Logger } from '@holdfast/core';
import { always, BranchServer } from '@holdfast/testing/participant';

const alert = (gid: string): Alert => ({
  namespace: 'default',
  gid,
  status: 'aborting',
  branch: '02 compensate',
  error: 'HTTP 500',
  retryCount: 3,
});

/** Fires every timer at once and notes its delay. */
function hastyClock(): Clock & { readonly delays: number[] } {
  const delays: number[] = [];
  return {
    delays,
    wallMs: () => 0,
    monotonicMs: () => 0,
    setTimer(delayMs, callback) {
      delays.push(delayMs);
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
    endOfTurn: queueMicrotask,
  };
}

describe('the alert webhook', () => {
  let server: BranchServer;
  let pools: ConnectionPools;
  const undelivered: unknown[] = [];
  const ignore = (): void => {};
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields) => undelivered.push(fields['gid']),
  };

  beforeEach(async () => {
    undelivered.length = 0;
    server = await BranchServer.start();
    pools = new ConnectionPools();
  });
  afterEach(async () => {
    await pools.close();
    await server[Symbol.asyncDispose]();
  });

  const hookTo = (changes = {}) =>
    new AlertWebhook({ url: `${server.url}/alert?team=pay`, pools, clock: hastyClock(), logger, ...changes });

  it('posts which transaction needs operator attention, and why', async () => {
    void hookTo().notify(alert('g1'));
    await vi.waitUntil(() => server.seen.length === 1, { timeout: 10_000 });
    expect(server.seen[0]).toMatchObject({ method: 'POST', url: { pathname: '/alert', search: '?team=pay' } });
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
      gid: 'g1',
      status: 'aborting',
      branch: '02 compensate',
      error: 'HTTP 500',
      retry_count: 3,
    });
  });

  it('retries an alert a few times, then discards it, logs that, and continues with the next', async () => {
    const clock = hastyClock();
    server.respond = always(500);
    const hook = hookTo({ clock, retryDelaysMs: [10, 20] });
    void hook.notify(alert('g1'));
    await vi.waitUntil(() => undelivered.length === 1, { timeout: 10_000 });
    expect(clock.delays).toEqual([10, 20]);
    expect(server.seen).toHaveLength(3);
    expect(undelivered).toEqual(['g1']);
    server.respond = always(204);
    void hook.notify(alert('g2'));
    await vi.waitUntil(() => server.seen.length === 4, { timeout: 10_000 });
    expect(server.seen[3]?.body).toContain('g2');
  });

  it('resolves to whether the alert was delivered', async () => {
    server.respond = always(204);
    await expect(hookTo().notify(alert('g1'))).resolves.toBe(true);
    server.respond = always(500);
    const hook = hookTo({ retryDelaysMs: [] });
    await expect(hook.notify(alert('g2'))).resolves.toBe(false);
    hook.close();
    await expect(hook.notify(alert('g3'))).resolves.toBe(false);
  });

  it('keeps a bounded queue: the oldest alert is discarded and named in the log', async () => {
    server.respond = ignore;
    const hook = hookTo({ maxQueued: 2 });
    for (const gid of ['under way', 'g1', 'g2', 'g3', 'g4']) void hook.notify(alert(gid));
    expect(undelivered).toEqual(['g1', 'g2']);
    hook.close();
    expect(undelivered).toEqual(['g1', 'g2', 'g3', 'g4']);
    void hook.notify(alert('late'));
    expect(undelivered).toContain('late');
  });

  it('needs a URL that can be posted to', () => {
    expect(() => hookTo({ url: 'mailto:me' })).toThrow('mailto:me');
  });
});
