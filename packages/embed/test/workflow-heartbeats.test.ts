import { embed } from '@holdfast/embed';
import { expect, it, vi } from 'vitest';
import { SILENT } from './support/silent.ts';

const INTERVAL_MS = 600;

it('a step that takes several retry intervals is not called back, and its heartbeats end with it', async () => {
  await using hf = await embed({
    store: 'memory:',
    logger: SILENT,
    drainMs: 0,
    engine: { retryIntervalMs: INTERVAL_MS, pollMs: 100 },
  });
  const timeline = async () => (await hf.get('slow-1'))?.timeline ?? [];
  let runs = 0;
  let steps = 0;
  const slow = hf.workflow('slow', { version: 1 }, async (flow) => {
    runs++;
    await flow.step('slow', async () => {
      steps++;
      const untilMs = performance.now() + 4 * INTERVAL_MS;
      await vi.waitUntil(() => performance.now() >= untilMs, { timeout: 20 * INTERVAL_MS, interval: 20 });
    });
  });
  await slow.run(undefined, { gid: 'slow-1' });
  expect([runs, steps]).toEqual([1, 1]);
  expect((await timeline()).filter((line) => line.kind === 'call' && line.branchId === '00')).toEqual([]);
});

it('code that ended without an outcome sends no more heartbeats: the callback finishes the workflow', async () => {
  await using hf = await embed({
    store: 'memory:',
    logger: SILENT,
    drainMs: 0,
    engine: { retryIntervalMs: INTERVAL_MS, pollMs: 100 },
  });
  let runs = 0;
  const flaky = hf.workflow('flaky', { version: 1 }, async (flow) => {
    await flow.step('first', () => undefined);
    if (++runs === 1) throw new Error('the database is away');
    return flow.step('second', () => 'done');
  });
  await expect(flaky.run(undefined, { gid: 'flaky-1' })).rejects.toThrow();
  await expect(hf.wait('flaky-1')).resolves.toMatchObject({ status: 'succeed' });
  expect(runs).toBe(2);
});
