import { type Barrier, type SubmitOptions, type WaitOptions } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import type { SdkHarness } from './harness.ts';

/** Values that are rejected as a time to wait. */
const WRONG: readonly unknown[] = [NaN, -1, -Infinity, '5', null, {}];

/** The time to wait is checked before anything is sent. */
export function waitOptionsSuite(harness: SdkHarness): void {
  describe('the time to wait', () => {
    it.each(WRONG)('is rejected by its name before anything is sent: %s', async (timeoutMs) => {
      const done: string[] = [];
      const { hf, branches, workflowOptions } = await harness.start({ ok: () => void done.push('branch') });
      const note = () => done.push('work');
      const barrier: Pick<Barrier<unknown>, 'message' | 'checkBack'> = {
        message: (_, work) => Promise.resolve(work(undefined)),
        checkBack: () => Promise.resolve('committed'),
      };
      const submit = { wait: { timeoutMs } } as SubmitOptions;
      const message = () => hf.message().step(branches.ok);
      const workflow = hf.workflow('w', { version: 1, ...workflowOptions }, note);
      const calls = [
        hf.saga().step({ action: branches.ok, compensate: null }).submit(submit),
        message().submit(submit),
        message().submitWith(barrier, 'http://check/', note, submit),
        hf.tcc(note, submit),
        hf.xa(note, submit),
        workflow.run(undefined, submit),
      ];
      for (const result of await Promise.allSettled(calls))
        expect(result).toMatchObject({ reason: { name: 'TypeError', message: startOf('wait.timeoutMs') } });
      const waiting = { timeoutMs } as WaitOptions;
      for (const result of await Promise.allSettled([hf.wait('g', waiting), hf.finished('g', waiting)]))
        expect(result).toMatchObject({ reason: { name: 'TypeError', message: startOf('timeoutMs') } });
      expect([done, (await hf.list()).items]).toEqual([[], []]);
    });

    it('is an object or a boolean', async () => {
      const { hf, branches } = await harness.start({ ok: () => undefined });
      for (const wait of [5, '5', null]) {
        const options = { wait } as unknown as SubmitOptions;
        await expect(hf.message().step(branches.ok).submit(options)).rejects.toThrow(
          /^wait must be true, false or \{ timeoutMs \}, not /,
        );
      }
      expect((await hf.list()).items).toEqual([]);
    });

    it('may be 0, which does not wait, or unlimited', async () => {
      const { hf, branches } = await harness.start({ ok: () => undefined });
      const message = () => hf.message().step(branches.ok);
      await expect(message().submit({ wait: { timeoutMs: Infinity } })).resolves.toMatchObject({ status: 'succeed' });
      const unfinished = message()
        .delay(60_000)
        .submit({ wait: { timeoutMs: 0 } });
      await expect(unfinished).rejects.toMatchObject({ code: 'transaction_pending' });
    });
  });
}

const startOf = (name: string): unknown =>
  expect.stringMatching(new RegExp(`^${name} must be a number of 0 or more, not `));
