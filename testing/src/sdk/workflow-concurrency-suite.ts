import { describe, expect, it } from 'vitest';
import type { Flow } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { flaky, noted, refuse, workflowStarter } from './workflow-bank.ts';

/** Concurrency: steps of a run, runs in a process, and a caller that does not wait. */
export function workflowConcurrencySuite(harness: SdkHarness): void {
  const start = workflowStarter(harness);

  describe('a workflow', () => {
    it('runs steps concurrently, waits for all of them before it undoes them, and also undoes unrecorded ones', async () => {
      const notes: string[] = [];
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const chain = async () => {
          await flow.step('a1', noted(notes, 'a1'));
          proceed();
          await flow.step('a2', noted(notes, 'a2', refuse));
        };
        const slow = async () => {
          await flow.step('b1', { ...noted(notes, 'b1'), run: () => gate });
          await flow.step('b2', noted(notes, 'b2'));
        };
        await Promise.all([chain(), slow()]);
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed' });
      expect(notes.filter((line) => line.startsWith('undo')).toSorted()).toEqual(
        expect.arrayContaining(['undo a1 "a1"', 'undo a2 unknown', 'undo b1 unknown']),
      );
      expect(notes.findLastIndex((line) => line.startsWith('run'))).toBeLessThan(
        notes.findIndex((line) => line.startsWith('undo')),
      );
      if (notes.includes('run b2')) expect(notes).toContain('undo b2 "b2"');
    });

    it('that runs steps concurrently continues after each of them was left open', async () => {
      const runs = new Map<string, number>();
      const { hf, v1 } = await start({});
      const once = (name: string) => {
        const work = flaky(1, name);
        return () => {
          runs.set(name, (runs.get(name) ?? 0) + 1);
          return work();
        };
      };
      const steps = Object.fromEntries(['a1', 'a2', 'b1', 'b2', 'c'].map((name) => [name, once(name)]));
      const braid = hf.workflow('braid', v1, async (flow: Flow) => {
        const run = (name: string) => flow.step(name, steps[name] ?? refuse);
        const chain = async (one: string, two: string) => `${await run(one)}${await run(two)}`;
        const parts = await Promise.all([chain('a1', 'a2'), chain('b1', 'b2')]);
        return [...parts, await run('c')].join(' ');
      });
      await expect(braid.run(undefined, { wait: true })).resolves.toBe('a1a2 b1b2 c');
      expect(Object.fromEntries(runs)).toEqual({ a1: 2, a2: 2, b1: 2, b2: 2, c: 2 });
    });

    it('rejects a step that is called within the work of another step, which could never be undone', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const nested = hf.workflow('nested', v1, (flow: Flow) =>
        flow.step('outer', async () => {
          await flow.step('inner', noted(notes, 'inner'));
          notes.push('the rest of outer');
        }),
      );
      await expect(nested.run(undefined, { gid: 'nested' })).rejects.toMatchObject({
        code: 'transaction_pending',
        reason: expect.stringContaining('Step inner is requested by the work of step outer') as string,
      });
      expect(notes).toEqual([]);
      expect((await hf.get('nested'))?.branches).toEqual([]);
    });

    it('records the start of a step before it acts, if the step can be undone', async () => {
      const seen: unknown[] = [];
      const { hf, v1 } = await start({});
      const branches = async (gid: string) =>
        (await hf.get(gid))?.branches.map(({ branchId, op }) => `${branchId} ${op}`);
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step('debit', { run: async () => void seen.push(await branches(flow.gid)), undo: () => undefined });
        await flow.step('mail', async () => void seen.push(await branches(flow.gid)));
      });
      await transfer.run(undefined);
      expect(seen).toEqual([['debit start'], ['debit action']]);
    });

    it('runs once in a process even if it is started repeatedly', async () => {
      let runs = 0;
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, v1 } = await start({});
      // Without heartbeats the callback does not wait for this run.
      const slow = hf.workflow('slow', { ...v1, longestStepMs: 1 }, (flow: Flow) => {
        runs++;
        return flow.step('wait', () => gate.then(() => 'waited'));
      });
      const both = [slow.run(undefined, { gid: 'w-1' }), slow.run(undefined, { gid: 'w-1' })];
      // Long enough for a callback to arrive and find the workflow running.
      const called = async () => (await hf.get('w-1'))?.timeline.some((line) => line.kind === 'call') ?? false;
      await expect.poll(called, { timeout: 10_000 }).toBe(true);
      proceed();
      await expect(Promise.all(both)).resolves.toEqual(['waited', 'waited']);
      expect(runs).toBe(1);
    });

    it('rejects with the reason of the signal; the current step is recorded, and the run continues', async () => {
      const notes: string[] = [];
      const hangUp = new AbortController();
      const reason = new Error('the customer left');
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step(
          'debit',
          noted(notes, 'debit', () => hangUp.abort(reason)),
        );
        await flow.step('credit', noted(notes, 'credit'));
      });
      await expect(transfer.run(undefined, { gid: 'left', signal: hangUp.signal })).rejects.toBe(reason);
      await hf.wait('left');
      expect(notes).toEqual(['run debit', 'run credit']);
    });
  });
}
