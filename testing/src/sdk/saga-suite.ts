import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, type BranchTarget, TransactionFailed, TransactionPending } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';

interface Transfer {
  readonly amount: number;
}

const NOTHING = { run: (): void => undefined };

/** A bank that records its calls. */
function bank() {
  const notes: string[] = [];
  const note = (call: BranchCallContext<Transfer>): void => {
    notes.push(`${call.op} ${call.branchId} ${call.payload.amount}`);
  };
  return { notes, branches: { debit: note, refund: note, credit: note, revoke: note } };
}

export function sagaSuite(harness: SdkHarness): void {
  describe('a saga', () => {
    it('calls its actions in order with their payloads, and succeeds', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const saga = hf
        .saga()
        .step({ action: b.debit, compensate: b.refund, payload: { amount: 30 } })
        .step({ action: b.credit, compensate: b.revoke, payload: { amount: 31 } });
      await expect(saga.submit({ wait: true })).resolves.toMatchObject({
        gid: saga.gid,
        pattern: 'saga',
        status: 'succeed',
      });
      expect(notes).toEqual(['action 01 30', 'action 02 31']);
    });

    it('identifies each call to its branch', async () => {
      const calls: BranchCallContext[] = [];
      const { hf, branches } = await harness.start({ debit: (call) => void calls.push(call) });
      const saga = hf.saga('transfer-1').step({ action: branches.debit, compensate: null });
      await saga.submit({ wait: true });
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ gid: 'transfer-1', transType: 'saga', branchId: '01', op: 'action' });
      expect(calls[0]?.payload).toBeUndefined();
      expect(Object.fromEntries(calls[0]?.query ?? [])).toEqual({
        gid: 'transfer-1',
        trans_type: 'saga',
        branch_id: '01',
        op: 'action',
      });
    });

    it('is rolled back in reverse order when a branch fails, and reports the reason', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start({
        ...branches,
        credit: (_call: BranchCallContext<Transfer>) => {
          throw new BranchFailure('the account is closed');
        },
      });
      const failure: unknown = await hf
        .saga('declined')
        .step({ action: b.debit, compensate: b.refund, payload: { amount: 30 } })
        .step({ action: b.debit, compensate: b.refund, payload: { amount: 1 } })
        .step({ action: b.credit, compensate: null, payload: { amount: 31 } })
        .submit({ wait: true })
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TransactionFailed);
      expect(failure).toMatchObject({ gid: 'declined', status: 'failed', reason: expect.stringContaining('closed') });
      expect(notes).toEqual(['action 01 30', 'action 02 1', 'compensate 02 1', 'compensate 01 30']);
      await expect((failure as TransactionFailed).details()).resolves.toMatchObject({ status: 'failed' });
    });

    it('is found again under its gid with the same content, and rejected with other content', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const saga = (amount: number, timeoutToFailMs?: number) =>
        hf
          .saga('same-gid')
          .step({ action: b.debit, compensate: b.refund, payload: { amount } })
          .options(timeoutToFailMs === undefined ? {} : { timeoutToFailMs });
      await saga(30).submit({ wait: true });
      await expect(saga(30).submit({ wait: true })).resolves.toMatchObject({ status: 'succeed' });
      const refused = { rejection: 'exists', gid: 'same-gid', status: 'succeed' };
      await expect(saga(50).submit()).rejects.toMatchObject({ ...refused, field: 'steps[0].payload' });
      await expect(saga(30, 9_000).submit()).rejects.toMatchObject({ ...refused, field: 'timeoutToFailMs' });
      expect(notes).toEqual(['action 01 30']);
    });

    it('retries a call that ended in any other error', async () => {
      let calls = 0;
      const { hf, branches } = await harness.start({
        debit: () => {
          if (++calls < 3) throw new Error('the database is away');
        },
      });
      await hf.saga().step({ action: branches.debit, compensate: null }).submit({ wait: true });
      expect(calls).toBe(3);
    });

    it('throws TransactionPending with the reason when the wait times out', async () => {
      const { hf, branches } = await harness.start(
        {
          debit: () => {
            throw new Error('the database is away');
          },
        },
        { retryIntervalMs: 60_000 },
      );
      const pending = hf
        .saga('slow')
        .step({ action: branches.debit, compensate: null })
        .submit({ wait: { timeoutMs: 300 } });
      await expect(pending).rejects.toBeInstanceOf(TransactionPending);
      await expect(pending).rejects.toMatchObject({
        gid: 'slow',
        status: 'submitted',
        reason: expect.stringContaining('the database is away'),
      });
    });

    it('resolves immediately without `wait`, and can be waited for later', async () => {
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, branches } = await harness.start({ debit: () => gate });
      const { gid, status } = await hf.saga().step({ action: branches.debit, compensate: null }).submit();
      expect(status).toBe('submitted');
      proceed();
      await expect(hf.wait(gid)).resolves.toMatchObject({ gid, status: 'succeed' });
    });

    it('starts its steps as soon as their dependencies allow when it is concurrent', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      await hf
        .saga()
        .step({ action: b.debit, compensate: null, payload: { amount: 1 }, after: [1] })
        .step({ action: b.credit, compensate: null, payload: { amount: 2 } })
        .concurrent()
        .submit({ wait: true });
      expect(notes).toEqual(['action 02 2', 'action 01 1']);
    });

    it('is rolled back when a branch needs more retries than its limit', async () => {
      const { hf, branches } = await harness.start({
        debit: () => {
          throw new Error('the database is away');
        },
        refund: NOTHING.run,
      });
      const failed = hf
        .saga()
        .step({ action: branches.debit, compensate: branches.refund })
        .options({ retryLimit: 1, retryIntervalMs: 30 })
        .submit({ wait: true });
      await expect(failed).rejects.toMatchObject({ code: 'transaction_failed' });
    });

    it('names the invalid field', async () => {
      const { hf } = await harness.start({});
      await expect(hf.saga().step({ action: '', compensate: null }).submit()).rejects.toMatchObject({
        code: 'request_rejected',
        rejection: 'invalid',
        field: 'steps[0].action',
      });
      await expect(hf.saga().submit()).rejects.toMatchObject({ rejection: 'invalid', field: 'steps' });
      await expect(
        hf
          .saga()
          .step({ action: 'http://x/', compensate: null, after: [7] })
          .concurrent()
          .submit(),
      ).rejects.toMatchObject({ rejection: 'invalid', field: 'steps[0].after' });
      await expect(hf.saga().step({ action: 'ftp://x/', compensate: null }).submit()).rejects.toMatchObject({
        rejection: 'invalid',
        field: 'steps[0].action',
      });
      await expect(
        hf
          .saga()
          .step({ action: 'http://x/', compensate: null, payload: 'x'.repeat(1024 * 1024) })
          .submit(),
      ).rejects.toMatchObject({ rejection: 'too_large', field: 'steps[0].payload' });
    });

    it('under the gid of a finished saga resolves to that saga', async () => {
      let calls = 0;
      const { hf, branches } = await harness.start({ debit: () => void calls++, credit: NOTHING.run });
      const order = (action: BranchTarget<unknown>) => hf.saga('order-1').step({ action, compensate: null });
      await order(branches.debit).submit({ wait: true });
      await expect(order(branches.debit).submit()).resolves.toMatchObject({ gid: 'order-1', status: 'succeed' });
      expect(calls).toBe(1);
      await expect(order(branches.credit).submit()).rejects.toMatchObject({
        rejection: 'exists',
        status: 'succeed',
      });
    });

    it('may be submitted twice: it runs once', async () => {
      let calls = 0;
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, branches } = await harness.start({
        debit: () => {
          calls++;
          return gate;
        },
      });
      const saga = hf.saga().step({ action: branches.debit, compensate: null });
      await saga.submit();
      await expect(saga.submit()).resolves.toMatchObject({ status: 'submitted' });
      proceed();
      await hf.wait(saga.gid);
      expect(calls).toBe(1);
    });

    it('rejects with the reason of the signal, and continues in the background', async () => {
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      let called = (): void => undefined;
      const started = new Promise<void>((resolve) => (called = resolve));
      const { hf, branches } = await harness.start({
        debit: () => {
          called();
          return gate;
        },
      });
      const hangUp = new AbortController();
      const saga = hf.saga().step({ action: branches.debit, compensate: null });
      const submitted = saga.submit({ wait: true, signal: hangUp.signal });
      await started;
      const reason = new Error('the customer left');
      hangUp.abort(reason);
      await expect(submitted).rejects.toBe(reason);
      proceed();
      await expect(hf.wait(saga.gid)).resolves.toMatchObject({ status: 'succeed' });
    });
  });
}
