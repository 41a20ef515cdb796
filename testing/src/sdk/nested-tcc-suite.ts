import { branch as serveBranch } from '@holdfast/client/hono';
import { BranchFailure } from '@holdfast/protocol';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, currentBranch, type Holdfast, type Tcc } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre, thrownBy } from './theatre.ts';

/** A tcc started by the handler of a try. */
export function nestedTccSuite(harness: SdkHarness): void {
  describe('a tcc within a try', () => {
    it('is part of the transaction that the try belongs to', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: async (call: BranchCallContext<Reservation>) => {
          notes.push(`try ${call.branchId} ${call.payload.seats}`);
          await inner.hf?.tcc((tx) => tx.call(seats(b, 10)));
          await inner.hf?.tcc((tx) => tx.call(seats(b, 11)));
        },
      });
      inner.hf = hf;
      await hf.tcc(
        async (tx) => {
          await tx.call({ ...seats(b, 1), try: b.travel });
          await tx.call(seats(b, 2));
        },
        { gid: 'journey', wait: true },
      );
      expect(notes).toEqual([
        'try 01 1',
        'try 0101 10',
        'try 0102 11',
        'try 02 2',
        'confirm 02 2',
        'confirm 0102 11',
        'confirm 0101 10',
        'confirm 01 1',
      ]);
      expect((await hf.list()).items.map(({ gid }) => gid)).toEqual(['journey']);
    });

    it('cannot be started by code that outlives the handler, except as a separate transaction', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      let leave = (): void => undefined;
      const left = new Promise<void>((resolve) => (leave = resolve));
      const late: Promise<unknown>[] = [];
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: (_call: BranchCallContext<Reservation>) => {
          const behind = async (options: object) => {
            await left;
            expect(currentBranch()).toBeUndefined();
            return inner.hf?.tcc((tx) => tx.call(seats(b, 10)), options);
          };
          late.push(thrownBy(behind({})), thrownBy(behind({ join: false, gid: 'separate', wait: true })));
        },
      });
      inner.hf = hf;
      await hf.tcc(
        async (tx) => {
          await tx.call({ ...seats(b, 1), try: b.travel });
          leave();
          const [joining, separate] = await Promise.all(late);
          expect(joining).toBeInstanceOf(TypeError);
          expect((joining as Error).message).toContain('The try of branch 01 of outer has ended');
          expect(separate).toBeUndefined();
        },
        { gid: 'outer', wait: true },
      );
      expect(notes).toEqual(['try 01 10', 'confirm 01 10', 'confirm 01 1']);
      await expect(hf.get('separate')).resolves.toMatchObject({ status: 'succeed' });
    });

    it('is not started after a try that failed', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      let leave = (): void => undefined;
      const left = new Promise<void>((resolve) => (leave = resolve));
      let late: Promise<unknown> = Promise.resolve();
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: (_call: BranchCallContext<Reservation>) => {
          late = thrownBy(left.then(() => inner.hf?.tcc((tx) => tx.call(seats(b, 10)))));
          throw new BranchFailure('no visa');
        },
      });
      inner.hf = hf;
      const work = async (tx: Tcc) => {
        await thrownBy(tx.call({ ...seats(b, 1), try: b.travel }));
        leave();
        expect(await late).toBeInstanceOf(TypeError);
      };
      await expect(hf.tcc(work, { wait: true })).rejects.toMatchObject({ reason: 'no visa' });
      expect(notes).toEqual(['cancel 01 1']);
    });

    it('fails the try when it throws, and everything is cancelled', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: (_call: BranchCallContext<Reservation>) =>
          inner.hf?.tcc(async (tx) => {
            await tx.call(seats(b, 10));
            await tx.call({ ...seats(b, 11), try: b.soldOut });
          }),
      });
      inner.hf = hf;
      const work = hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.travel }), { wait: true });
      await expect(work).rejects.toMatchObject({ status: 'failed', reason: 'sold out' });
      expect(notes).toEqual(['try 0101 10', 'try 0102 11', 'cancel 0102 11', 'cancel 0101 10', 'cancel 01 1']);
    });

    it('causes the outer tcc to be cancelled when it fails, even if the handler of the try caught the error', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: async (_call: BranchCallContext<Reservation>) => {
          const failure = await thrownBy(
            inner.hf?.tcc((tx) => tx.call({ ...seats(b, 10), try: b.soldOut })) ?? Promise.resolve(),
          );
          expect(failure).toMatchObject({ message: 'sold out' });
          return 'never mind';
        },
      });
      inner.hf = hf;
      const work = hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.travel }), { gid: 'swallowed', wait: true });
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
      expect(notes.toSorted()).toEqual(['cancel 01 1', 'cancel 0101 10', 'try 0101 10']);
      await expect(hf.get('swallowed')).resolves.toMatchObject({ status: 'failed' });
    });

    it('causes the outer tcc to be cancelled even if the caller of the try ignores its failure', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      // Models a service that the try's handler calls as part of the same branch, and whose
      // response that handler ignores.
      const service = new Hono().post(
        '/note',
        serveBranch(() => hf.tcc((joined) => joined.call({ ...seats(b, 10), try: b.soldOut }))),
      );
      const work = hf.tcc(
        async (tx) => {
          const { status } = await service.request(`/note?gid=${tx.gid}&trans_type=tcc&branch_id=01&op=try`, {
            method: 'POST',
            body: 'null',
          });
          expect(status).toBe(409);
        },
        { wait: true },
      );
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed', reason: 'sold out' });
      expect(notes).toEqual(['try 0101 10', 'cancel 0101 10']);
    });

    it('is awaited by the try even if the handler does not await it', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: (_call: BranchCallContext<Reservation>) => {
          void inner.hf?.tcc((tx) => tx.call({ ...seats(b, 10), try: b.soldOut })).catch(() => undefined);
        },
      });
      inner.hf = hf;
      const work = hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.travel }), { wait: true });
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
      expect(notes.toSorted()).toEqual(['cancel 01 1', 'cancel 0101 10', 'try 0101 10']);
    });

    it('is a separate transaction if requested, and only then accepts a separate gid', async () => {
      const { notes, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: async (_call: BranchCallContext<Reservation>) => {
          await expect(inner.hf?.tcc(() => 0, { gid: 'own' })).rejects.toThrow(TypeError);
          await inner.hf?.tcc((tx) => tx.call(seats(b, 10)), { gid: 'own', join: false, wait: true });
        },
      });
      inner.hf = hf;
      await hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.travel }), { gid: 'outer', wait: true });
      expect(notes).toEqual(['try 01 10', 'confirm 01 10', 'confirm 01 1']);
    });
  });
}
