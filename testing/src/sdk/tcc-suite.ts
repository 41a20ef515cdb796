import { describe, expect, it } from 'vitest';
import type { BranchCallContext } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre } from './theatre.ts';

/** A tcc whose branches are confirmed, and the calls that its work may make. */
export function tccSuite(harness: SdkHarness): void {
  describe('a tcc', () => {
    it('tries the branches of its work, confirms them newest first, and resolves to the value of the work', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const order = await hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          await tx.call(seats(b, 2));
          return `order of ${tx.gid}`;
        },
        { gid: 'evening', wait: true },
      );
      expect(order).toBe('order of evening');
      expect(notes).toEqual(['try 01 1', 'try 02 2', 'confirm 02 2', 'confirm 01 1']);
      await expect(hf.get('evening')).resolves.toMatchObject({ pattern: 'tcc', status: 'succeed' });
    });

    it('also confirms a call that its work did not await', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await hf.tcc((tx) => void tx.call(seats(b, 1)), { wait: true });
      expect(notes).toEqual(['try 01 1', 'confirm 01 1']);
    });

    it('rejects calls after its work has ended', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const tx = await hf.tcc((one) => one);
      await expect(tx.call(seats(b, 1))).rejects.toThrow(TypeError);
    });

    it('makes no call for an op that is null, and calls by GET without a payload', async () => {
      const notes: string[] = [];
      const { hf, branches } = await harness.start({
        hold: (call: BranchCallContext) => void notes.push(`${call.op} ${call.branchId} ${String(call.payload)}`),
      });
      await hf.tcc((tx) => tx.call({ try: branches.hold, confirm: null, cancel: branches.hold }), {
        gid: 'bare',
        wait: true,
      });
      await hf.wait('bare');
      expect(notes).toEqual(['try 01 undefined']);
    });

    it('receives the value of a try, and checks it with the given parser', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start({
        ...branches,
        row: (call: BranchCallContext<Reservation>) => ({ row: call.payload.seats }),
      });
      const results = await hf.tcc(async (tx) => [
        await tx.call(seats(b, 1)),
        await tx.call({ ...seats(b, 7), try: b.row }),
        await tx.call({ ...seats(b, 8), try: b.row, parse: (response) => JSON.stringify(response) }),
      ]);
      expect(results).toEqual([undefined, { row: 7 }, '{"row":8}']);
      const bad = hf.tcc((tx) =>
        tx.call({
          ...seats(b, 1),
          parse: () => {
            throw new Error('not a response');
          },
        }),
      );
      await expect(bad).rejects.toMatchObject({ code: 'transaction_failed', reason: 'not a response' });
    });

    it('applies its headers and options', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await hf.tcc((tx) => tx.call(seats(b, 1)), {
        gid: 'options',
        branchHeaders: { 'x-tenant': 'a' },
        retryIntervalMs: 20,
        requestTimeoutMs: 900,
        wait: { timeoutMs: 10_000 },
      });
      await expect(hf.get('options')).resolves.toMatchObject({ status: 'succeed' });
    });

    it('runs once under its gid', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const run = () => hf.tcc((tx) => tx.call(seats(b, 1)), { gid: 'once', wait: true });
      await run();
      await expect(run()).rejects.toMatchObject({ rejection: 'refused', status: 'succeed', gid: 'once' });
      expect(notes).toEqual(['try 01 1', 'confirm 01 1']);
    });

    it('continues under its gid after a crashed run, unless that run called other branches', async () => {
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      let proceed = (): void => undefined;
      const gate = new Promise<void>((resolve) => (proceed = resolve));
      let called = (): void => undefined;
      const started = new Promise<void>((resolve) => (called = resolve));
      // Simulates a crash: this run finds the transaction decided when it continues.
      const dead = hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          called();
          await gate;
        },
        { gid: 'again' },
      );
      await started;
      await hf.tcc((tx) => tx.call(seats(b, 1)), { gid: 'again', wait: true });
      proceed();
      await dead;
      expect(notes).toEqual(['try 01 1', 'try 01 1', 'confirm 01 1']);

      await hf
        .tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            const other = hf.tcc((second) => second.call(seats(b, 7)), { gid: tx.gid, wait: true });
            await expect(other).rejects.toMatchObject({ cause: { rejection: 'refused', field: 'branchId' } });
            throw new Error('over');
          },
          { gid: 'differently' },
        )
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'transaction_failed' }));
      expect(notes).not.toContain('try 01 7');
    });
  });
}
