import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, type Flow, TransactionPending } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { bank, flaky, noted, refuse, thrownBy, type Transfer, workflowStarter } from './workflow-bank.ts';

/**
 * Workflows with a step that is ongoing or whose result is unknown: the coordinator sends callbacks
 * until the result is known.
 */
export function workflowDoubtSuite(harness: SdkHarness): void {
  const start = workflowStarter(harness);

  describe('a workflow', () => {
    it.each([
      ['an error', () => new Error('the database is away')],
      ['not done yet', () => new BranchOngoing('the clerk is at lunch')],
    ])(
      'is pending when the outcome of a step is not known (%s), and is called back: what is recorded is not repeated',
      async (_, error) => {
        const notes: string[] = [];
        const { hf, v1 } = await start({});
        const credit = flaky(2, 'credited', error);
        const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
          await flow.step('debit', noted(notes, 'debit'));
          return flow.step('credit', noted(notes, 'credit', credit));
        });
        const pending = await thrownBy(transfer.run(undefined, { gid: 'later' }));
        expect(pending).toBeInstanceOf(TransactionPending);
        expect(pending).toMatchObject({ gid: 'later', status: 'prepared', reason: error().message, cause: error() });
        await expect(hf.wait('later')).resolves.toMatchObject({ status: 'succeed' });
        expect(notes).toEqual(['run debit', 'run credit', 'run credit', 'run credit']);
        await expect(transfer.run(undefined, { gid: 'later' })).resolves.toBe('credited');
      },
    );

    it('waits for the callbacks with `wait`, and resolves to their result', async () => {
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, (flow: Flow) => flow.step('credit', good));
      const good = flaky(1, 'credited');
      await expect(transfer.run(undefined, { wait: true })).resolves.toBe('credited');
      const fail = hf.workflow('fails later', v1, (flow: Flow) => flow.step('credit', () => flakyRefusal()()));
      const flakyRefusal = flaky(1, refuse);
      await expect(fail.run(undefined, { wait: true })).rejects.toMatchObject({
        code: 'transaction_failed',
        reason: 'the account is closed',
      });
    });

    it('does not succeed while the result of a step is unknown, even if its code catches the error', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const credit = flaky(1, 'credited');
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const got = await flow.step('credit', noted(notes, 'credit', credit)).catch(() => 'never mind');
        await flow.step('note', noted(notes, 'note')).catch(() => undefined);
        return got;
      });
      await expect(transfer.run(undefined, { gid: 'hush' })).rejects.toBeInstanceOf(TransactionPending);
      await hf.wait('hush');
      expect(notes).toEqual(['run credit', 'run credit', 'run note']);
      await expect(transfer.run(undefined, { gid: 'hush' })).resolves.toBe('credited');
    });

    it('undoes a step with an unknown result when its code decides to fail', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        try {
          await flow.step('credit', noted(notes, 'credit', flaky(9, 0)));
        } catch (error) {
          throw new BranchFailure('that takes too long', { cause: error });
        }
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed', reason: 'that takes too long' });
      expect(notes).toEqual(['run credit', 'undo credit unknown']);
    });

    it('repeats an undo until it returns, and records the undone steps', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const undo = flaky(1, undefined);
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step('debit', { run: () => 1, undo: () => (notes.push('undo debit'), undo()) });
        await flow.step('credit', noted(notes, 'credit', refuse));
      });
      const failure = await thrownBy(transfer.run(undefined, { gid: 'undone' }));
      expect(failure).toMatchObject({
        code: 'transaction_failed',
        status: 'aborting',
        reason: 'the account is closed',
      });
      await expect(hf.wait('undone')).rejects.toMatchObject({ status: expect.stringMatching(/aborting|failed/) });
      await expect.poll(async () => (await hf.get('undone'))?.status).toBe('failed');
      expect(notes).toEqual(['run credit', 'undo credit unknown', 'undo debit', 'undo debit']);
    });

    it('cannot be aborted once it has begun to confirm, and confirms until it is finished', async () => {
      const { notes, branches } = bank();
      const booked = flaky(1, 'booked');
      const book = (_call: BranchCallContext<Transfer>) => booked();
      const { hf, v1, branches: b } = await start({ ...branches, book }, { retryIntervalMs: 150 });
      const trip = hf.workflow('trip', v1, (flow: Flow) =>
        flow.tcc('seat', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 1 } }),
      );
      await expect(trip.run(undefined, { gid: 'decided' })).rejects.toMatchObject({ code: 'transaction_pending' });
      await expect(hf.abort('decided')).rejects.toMatchObject({ rejection: 'refused', status: 'prepared' });
      await expect(hf.wait('decided')).resolves.toMatchObject({ status: 'succeed' });
      expect(notes).toEqual(['action seat 1']);
    });

    it('is undone, including the running step, when an operator aborts it', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step('debit', noted(notes, 'debit'));
        await flow.step(
          'credit',
          noted(notes, 'credit', () => hf.abort('called off', { reason: 'the customer left' })),
        );
        await flow.step('note', noted(notes, 'note'));
      });
      await expect(transfer.run(undefined, { gid: 'called off' })).rejects.toMatchObject({
        status: 'failed',
        reason: 'the customer left',
      });
      expect(notes).toEqual(['run debit', 'run credit', 'undo credit unknown', 'undo debit "debit"']);
    });
  });
}
