import { setTimeout as delay } from 'node:timers/promises';
import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre, thrownBy } from './theatre.ts';
import type { BranchCallContext } from '@holdfast/client';

/** Collects the rejections of this process that no code handles, each of which ends a process. */
function unhandledRejections(): unknown[] {
  const found: unknown[] = [];
  const note = (reason: unknown) => void found.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return found;
}

/** Every rejection so far has been reported. */
const reported = () => delay(5);

/** Calls that the code of a transaction does not await, or awaits later. */
export function unawaitedSuite(harness: SdkHarness): void {
  describe('a call of a tcc or xa that is not awaited', () => {
    it.each(['tcc', 'xa'] as const)('cancels the %s when it fails, and does not end the process', async (pattern) => {
      const unhandled = unhandledRejections();
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        pattern === 'tcc'
          ? hf.tcc(
              async (tx) => {
                void tx.call({ ...seats(b, 2), try: b.soldOut });
                await tx.call(seats(b, 1));
              },
              { wait: true },
            )
          : hf.xa(
              async (tx) => {
                void tx.call({ url: b.soldOut, payload: { seats: 2 } });
                await tx.call({ url: b.hold, payload: { seats: 1 } });
              },
              { timeoutToFailMs: 30_000 },
            ),
      );
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed', reason: 'sold out' });
      expect(notes.filter((each) => /^(confirm|commit)/.test(each))).toEqual([]);
      expect(unhandled).toEqual([]);
    });

    it('may be awaited after another one', async () => {
      const unhandled = unhandledRejections();
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(async (tx) => {
          const first = tx.call({ ...seats(b, 1), try: b.soldOut });
          await delay(50);
          await first;
        }),
      );
      expect(failure).toMatchObject({ reason: 'sold out' });
      expect(unhandled).toEqual([]);
    });

    it('may fail beside another one in a Promise.all', async () => {
      const unhandled = unhandledRejections();
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(async (tx) => {
          const refused = { ...seats(b, 1), try: b.soldOut };
          await Promise.all([tx.call(refused), tx.call(seats(b, 2)), tx.call(refused)]);
        }),
      );
      await reported();
      expect(failure).toMatchObject({ reason: 'sold out' });
      expect(unhandled).toEqual([]);
    });

    it.each([
      ['a branch that has no URL', { try: undefined }],
      ['a payload that is not JSON', { payload: { seats: 1n } }],
      ['a response that its parse rejects', { parse: () => Promise.reject(new Error('no seat in it')) }],
    ])('cancels the tcc when it could not be made: %s', async (_what, wrong) => {
      const unhandled = unhandledRejections();
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            void tx.call({ ...seats(b, 2), ...(wrong as object) });
          },
          { wait: true },
        ),
      );
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(notes.filter((each) => each.startsWith('confirm'))).toEqual([]);
      expect(unhandled).toEqual([]);
    });

    it('cancels the tcc when it comes after the work has returned', async () => {
      const unhandled = unhandledRejections();
      const { notes, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          (tx) => {
            const both = async () => {
              await tx.call(seats(b, 1));
              await tx.call(seats(b, 2));
            };
            both().catch(() => undefined);
          },
          { wait: true },
        ),
      );
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(notes).toEqual(['try 01 1', 'cancel 01 1']);
      expect(unhandled).toEqual([]);
    });

    it('fails a try that begins a part of its tcc and does not await it', async () => {
      const unhandled = unhandledRejections();
      const { notes, branches } = theatre();
      let join = (): void => undefined;
      const { hf, branches: b } = await harness.start({
        ...branches,
        outer: (_call: BranchCallContext<Reservation>) => join(),
      });
      join = () => void hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.soldOut }));
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call({ ...seats(b, 3), try: b.outer });
          },
          { wait: true },
        ),
      );
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed' });
      expect(notes.filter((each) => each.startsWith('confirm'))).toEqual([]);
      expect(unhandled).toEqual([]);
    });
  });

  describe('a step of a workflow that is not awaited', () => {
    it('fails the workflow when it fails, and the others are undone', async () => {
      const unhandled = unhandledRejections();
      const done: string[] = [];
      const { hf, workflowOptions } = await harness.start({});
      const order = hf.workflow('order', { version: 1, ...workflowOptions }, async (flow) => {
        await flow.step('debit', { run: () => void done.push('debit'), undo: () => void done.push('refund') });
        void flow.step('credit', () => {
          throw new BranchFailure('no such account');
        });
        await flow.step('note', () => void done.push('note'));
        return 'done';
      });
      const failure = await thrownBy(order.run(undefined, { wait: true }));
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed', reason: 'no such account' });
      expect(done.filter((each) => each !== 'note')).toEqual(['debit', 'refund']);
      expect(unhandled).toEqual([]);
    });

    it('may be awaited after another one, and its failure caught then', async () => {
      const unhandled = unhandledRejections();
      const { hf, workflowOptions } = await harness.start({});
      const order = hf.workflow('order', { version: 1, ...workflowOptions }, async (flow) => {
        const credit = flow.step('credit', () => {
          throw new BranchFailure('no such account');
        });
        await flow.step('note', () => delay(50));
        return credit.catch((error: unknown) => (error as Error).message);
      });
      await expect(order.run(undefined, { wait: true })).resolves.toBe('no such account');
      await reported();
      expect(unhandled).toEqual([]);
    });

    it('may fail beside another one in a Promise.all', async () => {
      const unhandled = unhandledRejections();
      const { hf, workflowOptions } = await harness.start({});
      const refuse = () => {
        throw new BranchFailure('no');
      };
      const order = hf.workflow('order', { version: 1, ...workflowOptions }, async (flow) => {
        await Promise.all([flow.step('a', refuse), flow.step('b', () => delay(20)), flow.step('c', refuse)]);
      });
      const failure = await thrownBy(order.run(undefined, { wait: true }));
      await reported();
      expect(failure).toMatchObject({ code: 'transaction_failed', reason: 'no' });
      expect(unhandled).toEqual([]);
    });

    it('does not end the process when the result of its work is unclear', async () => {
      const unhandled = unhandledRejections();
      let runs = 0;
      const { hf, workflowOptions } = await harness.start({});
      const order = hf.workflow('order', { version: 1, ...workflowOptions }, async (flow) => {
        void flow.step('credit', () => {
          if (++runs === 1) throw new Error('the database is away');
        });
        await delay(1);
        return 'done';
      });
      await expect(order.run(undefined, { wait: true })).resolves.toBe('done');
      await reported();
      expect(runs).toBe(2);
      expect(unhandled).toEqual([]);
    });
  });
}
