import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import { describe, expect, it, vi } from 'vitest';
import { type BranchCallContext, BranchUnknown, TransactionFailed } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre, thrownBy } from './theatre.ts';

/** The causes that cancel a tcc: its work, a try, a timeout, its caller. */
export function tccDecisionSuite(harness: SdkHarness): void {
  describe('a tcc', () => {
    it('is cancelled, newest branch first, when its work throws, and reports the reason', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const reason = new Error('the customer has no money');
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            await tx.call(seats(b, 2));
            throw reason;
          },
          { gid: 'poor', wait: true },
        ),
      );
      expect(failure).toBeInstanceOf(TransactionFailed);
      expect(failure).toMatchObject({ gid: 'poor', status: 'failed', reason: 'the customer has no money' });
      expect((failure as TransactionFailed).cause).toBe(reason);
      await expect((failure as TransactionFailed).details()).resolves.toMatchObject({ status: 'failed' });
      expect(notes).toEqual(['try 01 1', 'try 02 2', 'cancel 02 2', 'cancel 01 1']);
    });

    it('is cancelled, including the failed branch, when a try fails', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            await tx.call({ ...seats(b, 2), try: b.soldOut });
          },
          { wait: true },
        ),
      );
      expect(failure).toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
      expect((failure as TransactionFailed).cause).toBeInstanceOf(BranchFailure);
      expect(notes).toEqual(['try 01 1', 'try 02 2', 'cancel 02 2', 'cancel 01 1']);
    });

    it('is cancelled even if its work caught the failure of a try, which must not be confirmed', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call({ ...seats(b, 1), try: b.soldOut }).catch(() => 'never mind');
          },
          { wait: true },
        ),
      );
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed', reason: 'sold out' });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('distinguishes a try that failed, one that still runs and one whose result is unknown', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start({
        ...branches,
        ongoing: (_call: BranchCallContext<Reservation>) => {
          throw new BranchOngoing('the box office is busy');
        },
        broken: (_call: BranchCallContext<Reservation>) => {
          throw new Error('no light');
        },
      });
      const cases = [
        [b.soldOut, BranchFailure, 'sold out'],
        [b.ongoing, BranchOngoing, 'the box office is busy'],
        [b.broken, BranchUnknown, 'no light'],
      ] as const;
      for (const [hold, kind, words] of cases) {
        let thrown: unknown;
        await thrownBy(
          hf.tcc(async (tx) => {
            thrown = await thrownBy(tx.call({ ...seats(b, 1), try: hold }));
            throw thrown;
          }),
        );
        expect(thrown).toBeInstanceOf(kind);
        expect((thrown as Error).message).toContain(words);
      }
    });

    it('gives each try its own timeout, and treats a late response as unknown', async () => {
      const { branches } = theatre();
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, branches: b } = await harness.start({
        ...branches,
        slow: (_call: BranchCallContext<Reservation>) => gate,
      });
      const failure = await thrownBy(
        hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.slow, requestTimeoutMs: 50 }), { requestTimeoutMs: 20_000 }),
      );
      proceed();
      expect((failure as Error).cause).toMatchObject({ code: 'branch_unknown', branchId: '01', op: 'try' });
    });

    it('runs calls concurrently, and waits for all of them before it cancels', async () => {
      const { notes, branches } = theatre();
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      const { hf, branches: b } = await harness.start({
        ...branches,
        slow: async (call: BranchCallContext<Reservation>) => {
          await gate;
          notes.push(`try ${call.branchId} ${call.payload.seats}`);
        },
        soldOut: (call: BranchCallContext<Reservation>) => {
          setImmediate(proceed);
          return branches.soldOut(call);
        },
      });
      const work = hf.tcc(
        (tx) => Promise.all([tx.call({ ...seats(b, 1), try: b.slow }), tx.call({ ...seats(b, 2), try: b.soldOut })]),
        { wait: true },
      );
      await expect(work).rejects.toMatchObject({ reason: 'sold out' });
      expect(notes.slice(0, 2)).toEqual(['try 02 2', 'try 01 1']);
      expect(notes.slice(2).toSorted()).toEqual(['cancel 01 1', 'cancel 02 2']);
    });

    it('is cancelled by the coordinator when its work takes too long', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            await vi.waitUntil(async () => (await hf.get(tx.gid))?.status === 'failed', { timeout: 10_000 });
            await tx.call(seats(b, 2));
          },
          { timeoutToFailMs: 1_000 },
        ),
      );
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect((failure as TransactionFailed).reason).toContain('Timeout');
      expect((failure as Error).cause).toMatchObject({ code: 'request_rejected', status: 'failed' });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('is not submitted when its timeout expired before its work returned', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const late = hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          await vi.waitUntil(async () => (await hf.get(tx.gid))?.status === 'failed', { timeout: 10_000 });
        },
        { timeoutToFailMs: 1_000 },
      );
      await expect(late).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('rejects with the reason of its signal, and is cancelled', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const hangUp = new AbortController();
      const reason = new Error('the customer left');
      const work = hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          hangUp.abort(reason);
          await tx.call(seats(b, 2));
        },
        { gid: 'left', signal: hangUp.signal, wait: true },
      );
      await expect(work).rejects.toBe(reason);
      await expect(hf.finished('left')).resolves.toMatchObject({ status: 'failed', rollbackReason: reason.message });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
    });
  });
}
