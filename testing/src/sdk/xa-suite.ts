import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, BranchUnknown, TransactionFailed } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';

interface Transfer {
  readonly amount: number;
}

/** Participants that record their calls; commit and rollback have no payload. */
function banks() {
  const notes: string[] = [];
  const note = (call: BranchCallContext<Transfer>) => {
    notes.push(`${call.transType} ${call.op} ${call.branchId}`);
    return call.op === 'action' ? { prepared: call.payload.amount } : undefined;
  };
  const closed = (call: BranchCallContext<Transfer>) => {
    note(call);
    if (call.op === 'action') throw new BranchFailure('the account is closed');
  };
  const broken = (call: BranchCallContext<Transfer>) => {
    note(call);
    if (call.op === 'action') throw new Error('the database is away');
  };
  return { notes, branches: { bank: note, closed, broken } };
}

const payload = { amount: 30 };

export function xaSuite(harness: SdkHarness): void {
  describe('an xa', () => {
    it('calls its branches, commits them oldest first, and resolves to the value of the work', async () => {
      const { notes, branches } = banks();
      const { hf, branches: b } = await harness.start(branches);
      const results = await hf.xa(
        async (tx) => [
          await tx.call({ url: b.bank, payload }),
          await tx.call({ url: b.bank, payload: { amount: 31 } }),
        ],
        { gid: 'transfer', wait: true },
      );
      expect(results).toEqual([{ prepared: 30 }, { prepared: 31 }]);
      expect(notes).toEqual(['xa action 01', 'xa action 02', 'xa commit 01', 'xa commit 02']);
      await expect(hf.get('transfer')).resolves.toMatchObject({ pattern: 'xa', status: 'succeed' });
    });

    it('is rolled back oldest branch first, including the failed branch, when a branch fails', async () => {
      const { notes, branches } = banks();
      const { hf, branches: b } = await harness.start(branches);
      const work = hf.xa(
        async (tx) => {
          await tx.call({ url: b.bank, payload });
          await tx.call({ url: b.closed, payload });
        },
        { wait: true },
      );
      const failure: unknown = await work.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TransactionFailed);
      expect(failure).toMatchObject({ status: 'failed', reason: 'the account is closed' });
      expect(notes).toEqual(['xa action 01', 'xa action 02', 'xa rollback 01', 'xa rollback 02']);
    });

    it('is rolled back when the result of a call is unknown, even if its work caught the error', async () => {
      const { notes, branches } = banks();
      const { hf, branches: b } = await harness.start(branches);
      const work = hf.xa((tx) => tx.call({ url: b.broken, payload }).catch(() => 'never mind'), { wait: true });
      await expect(work).rejects.toMatchObject({ status: 'failed', cause: expect.any(BranchUnknown) as unknown });
      expect(notes).toEqual(['xa action 01', 'xa rollback 01']);
    });

    it('is rolled back when its work throws', async () => {
      const { notes, branches } = banks();
      const { hf, branches: b } = await harness.start(branches);
      const reason = new Error('changed my mind');
      const work = hf.xa(
        async (tx) => {
          await tx.call({ url: b.bank, payload });
          throw reason;
        },
        { wait: true },
      );
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed', cause: reason });
      expect(notes).toEqual(['xa action 01', 'xa rollback 01']);
    });

    it('has registered a branch before it is called', async () => {
      const seen: unknown[] = [];
      const { hf, branches: b } = await harness.start({
        bank: async (call: BranchCallContext) => {
          if (call.op === 'action')
            seen.push((await hf.get(call.gid))?.branches.map(({ branchId, op }) => [branchId, op]));
        },
      });
      await hf.xa((tx) => tx.call({ url: b.bank }), { wait: true });
      expect(seen).toEqual([
        [
          ['01', 'rollback'],
          ['01', 'commit'],
        ],
      ]);
    });

    it('is rolled back by the coordinator when its work takes too long', async () => {
      const { notes, branches } = banks();
      const { hf, branches: b } = await harness.start(branches);
      const work = hf.xa(
        async (tx) => {
          await tx.call({ url: b.bank, payload });
          await expect.poll(async () => (await hf.get(tx.gid))?.status, { timeout: 10_000 }).toBe('failed');
        },
        { timeoutToFailMs: 1_000 },
      );
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed' });
      expect(notes).toEqual(['xa action 01', 'xa rollback 01']);
    });

    it('has a gid that databases accept', async () => {
      const { hf } = await harness.start({});
      await expect(hf.xa(() => 1, { gid: 'x'.repeat(62) })).rejects.toMatchObject({
        rejection: 'invalid',
        field: 'gid',
      });
    });
  });
}
