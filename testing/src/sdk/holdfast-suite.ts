import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, RequestRejected } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';

const nothing = (): void => undefined;
const away = (): never => {
  throw new Error('the database is away');
};

export function holdfastSuite(harness: SdkHarness): void {
  describe('any transaction', () => {
    it('is read with its branches and timeline, and undefined when there is none', async () => {
      const { hf, branches } = await harness.start({ debit: nothing, refund: nothing });
      const { gid } = await hf
        .saga(harness.oddGid)
        .step({ action: branches.debit, compensate: branches.refund })
        .submit({ wait: true });
      const details = await hf.get(gid);
      expect(details).toMatchObject({
        gid,
        pattern: 'saga',
        status: 'succeed',
        attention: false,
        parked: '',
        branches: [
          { branchId: '01', op: 'compensate', url: branches.refund.url, status: 'prepared' },
          { branchId: '01', op: 'action', url: branches.debit.url, status: 'succeed', attempts: 1, started: true },
        ],
      });
      expect(details?.timeline.map((entry) => entry.kind)).toEqual(expect.arrayContaining(['status', 'call']));
      await expect(hf.get('nobody')).resolves.toBeUndefined();
    });

    it('is described identically by submit, wait, get and list', async () => {
      const { hf, branches } = await harness.start({ debit: nothing });
      const submitted = await hf.saga().step({ action: branches.debit, compensate: null }).submit({ wait: true });
      const { lastResult: _, ...summary } = submitted as typeof submitted & { readonly lastResult?: unknown };
      await expect(hf.get(submitted.gid)).resolves.toMatchObject(summary);
      await expect(hf.wait(submitted.gid)).resolves.toMatchObject(summary);
      await expect(hf.list({ gid: submitted.gid })).resolves.toEqual({ items: [summary], next: null });
    });

    it('is listed by filters, page by page, newest first', async () => {
      const { hf, branches } = await harness.start({ debit: nothing });
      const gids: string[] = [];
      for (let n = 0; n < 3; n++) {
        const { gid } = await hf.saga().step({ action: branches.debit, compensate: null }).submit({ wait: true });
        gids.unshift(gid);
      }
      await hf.message('other').step(branches.debit).submit({ wait: true });
      const first = await hf.list({ pattern: 'saga', status: 'succeed', limit: 2 });
      expect(first.next).not.toBeNull();
      const second = await hf.list({ pattern: 'saga', status: 'succeed', limit: 2, cursor: first.next ?? '' });
      const listed = [...first.items, ...second.items].map(({ gid }) => gid);
      // Transactions of the same millisecond may be in any order.
      expect(listed.toSorted()).toEqual(gids.toSorted());
      await expect(hf.list({ attention: true })).resolves.toEqual({ items: [], next: null });
    });

    it('is rejected with an invalid filter', async () => {
      const { hf } = await harness.start({});
      await expect(hf.list({ limit: -1 })).rejects.toMatchObject({ rejection: 'invalid', field: 'limit' });
      await expect(hf.list({ status: 'done' as never })).rejects.toMatchObject({
        rejection: 'invalid',
        field: 'status',
      });
    });

    it('is waited for until it is finished, whatever its outcome', async () => {
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, branches: b } = await harness.start({ hold: () => undefined, release: () => gate });
      const released = hf.tcc(
        async (tx) => {
          await tx.call({ try: b.hold, confirm: null, cancel: b.release });
          throw new Error('no money');
        },
        { gid: 'undone' },
      );
      await expect(released).rejects.toMatchObject({ code: 'transaction_failed', status: 'aborting' });
      await expect(hf.finished('undone', { timeoutMs: 20 })).rejects.toMatchObject({ status: 'aborting' });
      const end = hf.finished('undone');
      proceed();
      await expect(end).resolves.toMatchObject({ gid: 'undone', status: 'failed', rollbackReason: 'no money' });
      await hf.tcc(() => 0, { gid: 'done' });
      await expect(hf.finished('done')).resolves.toMatchObject({ status: 'succeed' });
      await expect(hf.finished('nobody')).rejects.toMatchObject({ rejection: 'not_found' });
    });

    it('is not waited for if it does not exist', async () => {
      const { hf } = await harness.start({});
      const waiting = hf.wait('nobody');
      await expect(waiting).rejects.toBeInstanceOf(RequestRejected);
      await expect(waiting).rejects.toMatchObject({ rejection: 'not_found', gid: 'nobody' });
    });

    it('is rolled back by an abort, with its reason, but never after it is finished', async () => {
      const notes: string[] = [];
      const { hf, branches } = await harness.start(
        { debit: away, refund: (call: BranchCallContext) => void notes.push(call.op) },
        { retryIntervalMs: 60_000 },
      );
      const saga = hf.saga().step({ action: branches.debit, compensate: branches.refund });
      await saga.submit();
      await expect(saga.submit({ wait: { timeoutMs: 200 } })).rejects.toMatchObject({ code: 'transaction_pending' });
      const aborted = await hf.abort(saga.gid, { reason: 'changed my mind' });
      expect(aborted).toMatchObject({ rollbackReason: 'changed my mind' });
      await expect(hf.wait(saga.gid)).rejects.toMatchObject({
        code: 'transaction_failed',
        status: 'failed',
        reason: 'changed my mind',
      });
      expect(notes).toEqual(['compensate']);
      await expect(hf.abort(saga.gid)).rejects.toMatchObject({ rejection: 'refused', status: 'failed' });
      await expect(hf.abort('nobody')).rejects.toMatchObject({ rejection: 'not_found' });
    });

    it('is driven again immediately by a retry, unless it is finished', async () => {
      let calls = 0;
      const { hf, branches } = await harness.start(
        {
          debit: () => {
            if (++calls === 1) away();
          },
        },
        { retryIntervalMs: 60_000 },
      );
      const saga = hf.saga().step({ action: branches.debit, compensate: null });
      await expect(saga.submit({ wait: { timeoutMs: 200 } })).rejects.toMatchObject({ code: 'transaction_pending' });
      await expect(hf.retry(saga.gid)).resolves.toMatchObject({ gid: saga.gid });
      await hf.wait(saga.gid);
      expect(calls).toBe(2);
      await expect(hf.retry(saga.gid)).rejects.toMatchObject({ rejection: 'refused', status: 'succeed' });
    });

    it('reports its outcome to each waiter', async () => {
      const { hf, branches } = await harness.start({
        debit: () => {
          throw new BranchFailure('sold out');
        },
      });
      const saga = hf.saga().step({ action: branches.debit, compensate: null });
      const waiting = saga.submit().then(() => Promise.allSettled([hf.wait(saga.gid), hf.wait(saga.gid)]));
      const notes = await waiting;
      expect(notes).toMatchObject([
        { status: 'rejected', reason: { code: 'transaction_failed' } },
        { status: 'rejected', reason: { code: 'transaction_failed' } },
      ]);
    });
  });
}
