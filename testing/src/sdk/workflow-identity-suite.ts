import { describe, expect, it } from 'vitest';
import { type Flow, TransactionPending, WorkflowMismatch } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { bank, flaky, noted, thrownBy, type Transfer, workflowStarter } from './workflow-bank.ts';

/** A workflow is the same in every run: its name, its input, its steps and their order. */
export function workflowIdentitySuite(harness: SdkHarness): void {
  const start = workflowStarter(harness);

  describe('a workflow', () => {
    it('is rejected with another input under its gid: while it runs here, while it waits, and after it is finished', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      let begun = (): void => undefined;
      const started = new Promise<void>((resolve) => (begun = resolve));
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      let lost = true;
      const transfer = hf.workflow('transfer', v1, async (flow: Flow, { amount }: Transfer) => {
        notes.push(`runs with ${amount}`);
        begun();
        await gate;
        return flow.step('debit', () => {
          if (lost) throw new Error('the database is away');
          return amount;
        });
      });
      const refusal = { code: 'request_rejected', rejection: 'exists', gid: 'w-1', field: 'input' };
      const running = thrownBy(transfer.run({ amount: 30 }, { gid: 'w-1' }));
      await started;
      const joined = thrownBy(transfer.run({ amount: 30 }, { gid: 'w-1' }));
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      proceed();
      expect(await running).toBeInstanceOf(TransactionPending);
      expect(await joined).toBeInstanceOf(TransactionPending);
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      lost = false;
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      expect(notes).toEqual(['runs with 30', 'runs with 30']);
    });

    it('gets the same time and the same random numbers in every run', async () => {
      const seen: unknown[] = [];
      const { hf, v1 } = await start({});
      const work = flaky(1, 'done');
      const lottery = hf.workflow('lottery', v1, async (flow: Flow) => {
        seen.push([await flow.now('drawn-at'), await flow.uuid('ticket')]);
        return flow.step('pay', work);
      });
      await lottery.run(undefined, { wait: true });
      expect(seen.length).toBeGreaterThanOrEqual(2);
      expect(new Set(seen.map((line) => JSON.stringify(line))).size).toBe(1);
    });

    it('reports what is wrong with the name of a step', async () => {
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const run = hf.workflow('names', v1, async (flow: Flow, names: readonly string[]) => {
        for (const name of names) await flow.step(name, () => 1);
      });
      for (const names of [['twice', 'twice'], ['with a blank'], [''], ['00'], ['x'.repeat(65)]])
        await expect(run.run(names)).rejects.toMatchObject({
          code: 'transaction_pending',
          cause: { name: 'TypeError' },
        });
    });

    it('needs operator attention when its code is not the code that recorded its steps, and continues when that code is back', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      let first = 'debit';
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step(first, noted(notes, first));
        return flow.step('credit', noted(notes, 'credit', credit));
      });
      const credit = flaky(1, 'credited');
      const pending = transfer.run(undefined, { gid: 'changed' });
      await expect(pending.finally(() => (first = 'withdraw'))).rejects.toBeInstanceOf(TransactionPending);
      await expect.poll(async () => (await hf.get('changed'))?.parked, { timeout: 5_000 }).toContain('debit');
      await expect(hf.get('changed')).resolves.toMatchObject({ status: 'prepared', attention: true, dueAtMs: null });
      await expect(transfer.run(undefined, { gid: 'changed' })).rejects.toBeInstanceOf(WorkflowMismatch);
      expect(notes).toEqual(['run debit', 'run credit']);
      first = 'debit';
      await hf.retry('changed');
      await expect(hf.wait('changed')).resolves.toMatchObject({ status: 'succeed', parked: '' });
    });

    it('needs operator attention when a step has changed its kind', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      let changed = false;
      const credit = flaky(1, 'credited');
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        if (changed) await flow.call('debit', { action: b.credit, compensate: null, payload: { amount: 1 } });
        else await flow.step('debit', noted(notes, 'debit'));
        return flow.step('credit', credit);
      });
      const pending = transfer.run(undefined, { gid: 'changed' });
      await expect(pending.finally(() => (changed = true))).rejects.toBeInstanceOf(TransactionPending);
      await expect
        .poll(async () => (await hf.get('changed'))?.parked)
        .toContain('recorded as a step, now it is a call');
      expect(notes).toEqual(['run debit']);
    });

    it('is rejected under the gid of another transaction', async () => {
      const { hf, v1 } = await start({});
      const one = hf.workflow('one', v1, () => 1);
      const two = hf.workflow('two', v1, () => 2);
      await one.run(undefined, { gid: 'taken' });
      await expect(two.run(undefined, { gid: 'taken' })).rejects.toMatchObject({ rejection: 'exists' });
    });

    it('has a unique name', async () => {
      const { hf, v1 } = await start({});
      hf.workflow('one', v1, () => 1);
      expect(() => hf.workflow('one', v1, () => 1)).toThrow(TypeError);
      expect(() => hf.workflow('', v1, () => 1)).toThrow(TypeError);
    });
  });
}
