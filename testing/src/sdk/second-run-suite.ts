import { describe, expect, it } from 'vitest';
import type { BranchCallContext, Holdfast, Tcc } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre, thrownBy } from './theatre.ts';

/** Runs the work up to the point where its process crashes: the transaction stays prepared. */
async function diedAfter(hf: Holdfast, gid: string, work: (tx: Tcc) => Promise<unknown>): Promise<void> {
  await new Promise<void>((died) => {
    void hf.tcc(
      async (tx) => {
        await thrownBy(work(tx));
        died();
        return new Promise(() => undefined);
      },
      { gid },
    );
  });
}

/** A run of a tcc or xa under a gid that another run has prepared. */
export function secondRunSuite(harness: SdkHarness): void {
  describe('a second run under one gid', () => {
    it('of a tcc that calls the same branches continues the transaction', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await diedAfter(hf, 'twice', (tx) => tx.call(seats(b, 1)));
      await hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          await tx.call(seats(b, 2));
        },
        { gid: 'twice', wait: true },
      );
      expect(notes).toEqual(['try 01 1', 'try 01 1', 'try 02 2', 'confirm 02 2', 'confirm 01 1']);
    });

    it('of a tcc is cancelled when the first one registered a branch that it does not call', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await diedAfter(hf, 'fewer', async (tx) => {
        await tx.call(seats(b, 1));
        await tx.call({ ...seats(b, 2), try: b.soldOut });
      });
      const failure = await thrownBy(hf.tcc((tx) => tx.call(seats(b, 1)), { gid: 'fewer', wait: true }));
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect((failure as Error).message).toContain('branch 02 is registered, but the run that submitted did not call');
      expect(notes.slice(3)).toEqual(['cancel 02 2', 'cancel 01 1']);
    });

    for (const again of [false, true])
      it(`of a tcc is cancelled when the first one completed a nested branch${again ? ', also when its try calls that again' : ''}`, async () => {
        const { notes, branches } = theatre();
        const inner: { hf?: Holdfast } = {};
        let tries = 0;
        const { hf, branches: b } = await harness.start({
          ...branches,
          travel: async (call: BranchCallContext<Reservation>) => {
            branches.hold(call);
            if (tries++ === 0 || again) await inner.hf?.tcc((tx) => tx.call(seats(b, 10)));
          },
        });
        inner.hf = hf;
        await diedAfter(hf, 'nested', (tx) => tx.call({ ...seats(b, 1), try: b.travel }));
        expect(notes).toEqual(['try 01 1', 'try 0101 10']);
        const second = hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.travel }), { gid: 'nested', wait: true });
        await expect(second).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
        expect(notes.slice(2)).toEqual(['try 01 1', 'cancel 0101 10', 'cancel 01 1']);
      });

    it('of a tcc that calls nothing does not confirm the tries of the first one', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await diedAfter(hf, 'nothing', (tx) => tx.call(seats(b, 1)));
      const second = hf.tcc(() => 'nothing to do', { gid: 'nothing', wait: true });
      await expect(second).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('of a tcc is rejected when the first one was submitted with other branches', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const second = hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          await hf.tcc(
            async (first) => {
              await first.call(seats(b, 1));
              await first.call(seats(b, 2));
            },
            { gid: 'both', wait: true },
          );
        },
        { gid: 'both' },
      );
      await expect(second).rejects.toMatchObject({ code: 'request_rejected', field: 'branches' });
      expect(notes.slice(3)).toEqual(['confirm 02 2', 'confirm 01 1']);
    });

    it('of an xa rolls back a branch that the first one prepared and the second does not call', async () => {
      const notes: string[] = [];
      const { hf, branches: b } = await harness.start({
        bank: (call: BranchCallContext) => void notes.push(`${call.op} ${call.branchId}`),
      });
      await new Promise<void>((died) => {
        const first = async (tx: Parameters<Parameters<Holdfast['xa']>[0]>[0]) => {
          await tx.call({ url: b.bank, payload: { amount: 30 } });
          await tx.call({ url: b.bank, payload: { amount: 40 } });
          died();
          return new Promise(() => undefined);
        };
        void hf.xa(first, { gid: 'fewer-xa' });
      });
      const second = hf.xa((tx) => tx.call({ url: b.bank, payload: { amount: 30 } }), { gid: 'fewer-xa', wait: true });
      await expect(second).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(notes.slice(3)).toEqual(['rollback 01', 'rollback 02']);
    });

    it('of an xa does not commit the work of the first one for a call with another payload', async () => {
      const notes: string[] = [];
      const { hf, branches: b } = await harness.start({
        bank: (call: BranchCallContext) => void notes.push(`${call.op} ${call.branchId}`),
      });
      await new Promise<void>((died) => {
        const first = async (tx: Parameters<Parameters<Holdfast['xa']>[0]>[0]) => {
          await tx.call({ url: b.bank, payload: { amount: 30 } });
          died();
          return new Promise(() => undefined);
        };
        void hf.xa(first, { gid: 'other-xa' });
      });
      const second = hf.xa((tx) => tx.call({ url: b.bank, payload: { amount: 31 } }), { gid: 'other-xa', wait: true });
      await expect(second).rejects.toMatchObject({
        code: 'transaction_failed',
        status: 'failed',
        cause: { code: 'request_rejected', field: 'branchId' },
      });
      expect(notes).toEqual(['action 01', 'rollback 01']);
    });
  });
}
