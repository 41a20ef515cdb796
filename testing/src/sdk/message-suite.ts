import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { BranchCallContext } from '@holdfast/client';
import { MemoryBarrier } from '../barriers/memory-barrier.ts';
import type { SdkHarness } from './harness.ts';

interface Transfer {
  readonly amount: number;
}

/** A bank that records credits, and serves the check-back of its barrier. */
function bank() {
  const notes: string[] = [];
  const checked: string[] = [];
  const barrier = new MemoryBarrier();
  const credit = (call: BranchCallContext<Transfer>): void => {
    notes.push(`${call.op} ${call.branchId} ${call.payload.amount}`);
  };
  const check = async (call: BranchCallContext): Promise<void> => {
    checked.push(`${call.op} ${call.branchId} ${call.gid}`);
    if ((await barrier.checkBack(call.gid)) === 'refused') throw new BranchFailure('it was not committed');
  };
  const debit = (tx: string[]): string => {
    tx.push('debit');
    return 'receipt';
  };
  return { notes, checked, barrier, debit, branches: { credit, check } };
}

export function messageSuite(harness: SdkHarness): void {
  describe('a message', () => {
    it('calls its steps in order, each until it succeeds', async () => {
      const { notes, branches } = bank();
      let calls = 0;
      const { hf, branches: b } = await harness.start({
        ...branches,
        flaky: (call: BranchCallContext<Transfer>) => {
          if (++calls < 3) throw new Error('the database is away');
          return branches.credit(call);
        },
      });
      const message = hf
        .message()
        .step(b.flaky, { amount: 1 }, { requestTimeoutMs: 900 })
        .step(b.credit, { amount: 2 });
      await expect(message.submit({ wait: true })).resolves.toMatchObject({ pattern: 'msg', status: 'succeed' });
      expect(notes).toEqual(['action 01 1', 'action 02 2']);
    });

    it('is sent after its delay', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 1 }).delay(60_000);
      await expect(message.submit({ wait: { timeoutMs: 50 } })).rejects.toMatchObject({ code: 'transaction_pending' });
      expect(notes).toEqual([]);
    });

    it('is sent to all subscribers of its topic', async () => {
      const { notes, branches } = bank();
      const { hf, branches: b } = await harness.start({ ...branches, report: branches.credit });
      await hf.topics.subscribe('paid', b.credit, { remark: 'the bank' });
      await hf.topics.subscribe('paid', b.report);
      await hf.message().step('topic://paid', { amount: 7 }).submit({ wait: true });
      expect(notes.toSorted()).toEqual(['action 01-01 7', 'action 01-02 7']);
      await expect(hf.message().step('topic://nobody').submit()).rejects.toMatchObject({
        rejection: 'invalid',
        field: 'steps[0].branch',
      });
    });
  });

  describe('a message with a local transaction', () => {
    it('is sent when the local transaction commits, and resolves to the value of its work', async () => {
      const { notes, checked, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 30 });
      await expect(message.submitWith(barrier, b.check.url, debit, { wait: true })).resolves.toBe('receipt');
      expect(barrier.lines).toEqual(['debit']);
      expect(notes).toEqual(['action 01 30']);
      expect(checked).toEqual([]);
    });

    it('is not sent when the local transaction does not commit', async () => {
      const { notes, barrier, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 30 });
      const thrown = new Error('the account holds too little');
      await expect(message.submitWith(barrier, b.check.url, () => Promise.reject(thrown))).rejects.toBe(thrown);
      await expect(hf.get(message.gid)).resolves.toMatchObject({ status: 'failed', rollbackReason: thrown.message });
      expect(notes).toEqual([]);
    });

    it('is sent after a check-back when its process crashed between the commit and the submit', async () => {
      const { notes, checked, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message('m-1').step(b.credit, { amount: 30 }).options({ timeoutToFailMs: 50 });
      await message.prepare(b.check.url);
      await barrier.message(message.gid, debit);
      await hf.wait(message.gid);
      expect(checked).toEqual(['msg 00 m-1']);
      expect(notes).toEqual(['action 01 30']);
    });

    it('fails after a check-back when its process crashed before the commit, which then can never happen', async () => {
      const { notes, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 30 }).options({ timeoutToFailMs: 50 });
      await message.prepare(b.check.url);
      await expect(hf.wait(message.gid)).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      await expect(barrier.message(message.gid, debit)).rejects.toMatchObject({ code: 'local_transaction_refused' });
      expect(notes).toEqual([]);
    });

    it('fails when the check-back came while the local transaction still ran', async () => {
      const { notes, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 30 }).options({ timeoutToFailMs: 50 });
      const sent = message.submitWith(barrier, b.check.url, async (tx) => {
        await hf.wait(message.gid).catch(() => undefined);
        return debit(tx);
      });
      await expect(sent).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(barrier.lines).toEqual([]);
      expect(notes).toEqual([]);
    });

    it('finishes correctly when the response to the commit was lost, whether or not the commit happened', async () => {
      const { notes, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const send = () =>
        hf.message().step(b.credit, { amount: 30 }).submitWith(barrier, b.check.url, debit, { wait: true });
      barrier.faults.push('lost-response', 'lost-commit');
      await expect(send()).resolves.toBe('receipt');
      await expect(send()).rejects.toMatchObject({ code: 'transaction_failed' });
      expect(barrier.lines).toEqual(['debit']);
      expect(notes).toEqual(['action 01 30']);
    });

    it('is decided by a check-back, once the database responds again, when the client cannot determine the outcome', async () => {
      const { notes, barrier, debit, branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      const message = hf.message().step(b.credit, { amount: 30 }).options({ timeoutToFailMs: 50, retryIntervalMs: 30 });
      barrier.faults.push('lost-response');
      const sent = message.submitWith(barrier, b.check.url, (tx) => {
        barrier.away = true;
        return debit(tx);
      });
      await expect(sent).rejects.toMatchObject({ code: 'transaction_pending', gid: message.gid });
      barrier.away = false;
      await hf.wait(message.gid);
      expect(notes).toEqual(['action 01 30']);
    });
  });

  describe('topics', () => {
    it('can be subscribed (repeatedly), listed, unsubscribed and deleted', async () => {
      const { branches } = bank();
      const { hf, branches: b } = await harness.start(branches);
      await hf.topics.subscribe('a/paid', b.credit, { remark: 'the bank' });
      await hf.topics.subscribe('a/paid', b.credit.url, { remark: 'the bank again' });
      await expect(hf.topics.list()).resolves.toEqual({
        items: [{ topic: 'a/paid', version: 1, subscribers: [{ url: b.credit.url, remark: 'the bank' }] }],
        next: null,
      });
      await hf.topics.unsubscribe('a/paid', b.credit);
      await expect(hf.topics.unsubscribe('a/paid', b.credit)).rejects.toMatchObject({ rejection: 'not_found' });
      await hf.topics.delete('a/paid');
      await expect(hf.topics.delete('a/paid')).rejects.toMatchObject({ rejection: 'not_found' });
      await expect(hf.topics.subscribe('', b.credit)).rejects.toMatchObject({ code: 'request_rejected' });
      await expect(hf.topics.list({ limit: 5 })).resolves.toEqual({ items: [], next: null });
    });
  });
}
