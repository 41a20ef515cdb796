import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import { describe, expect, it, vi } from 'vitest';
import type { BranchDeclaration } from '../../../src/branch-declaration.ts';
import { BranchUnknown, TransactionFailed } from '../../../src/errors.ts';
import type { Holdfast } from '../../../src/holdfast.ts';
import { runInBranch } from '../../../src/participants/branch-context.ts';
import type { BranchCallContext } from '../../../src/participants/call.ts';
import type { SdkHarness } from './harness.ts';

interface Reservation {
  readonly seats: number;
}

/** A theatre that notes what it was told; one that is sold out refuses. */
function theatre() {
  const told: string[] = [];
  const note = (call: BranchCallContext<Reservation>): void => {
    told.push(`${call.op} ${call.branchId} ${call.payload.seats}`);
  };
  const soldOut = (call: BranchCallContext<Reservation>): void => {
    note(call);
    throw new BranchFailure('sold out');
  };
  return { told, branches: { hold: note, book: note, release: note, soldOut } };
}

interface Theatre {
  readonly hold: BranchDeclaration<Reservation>;
  readonly book: BranchDeclaration<Reservation>;
  readonly release: BranchDeclaration<Reservation>;
}

const seats = ({ hold, book, release }: Theatre, count: number) => ({
  try: hold,
  confirm: book,
  cancel: release,
  payload: { seats: count },
});

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

export function tccSuite(harness: SdkHarness): void {
  describe('a tcc', () => {
    it('tries what its work calls, then confirms it, newest first, and gives what the work returned', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 01 1', 'try 02 2', 'confirm 02 2', 'confirm 01 1']);
      await expect(hf.get('evening')).resolves.toMatchObject({ pattern: 'tcc', status: 'succeed' });
    });

    it('is cancelled, newest first, when its work throws, and says why', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 01 1', 'try 02 2', 'cancel 02 2', 'cancel 01 1']);
    });

    it('is cancelled when a try refuses, that branch included', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 01 1', 'try 02 2', 'cancel 02 2', 'cancel 01 1']);
    });

    it('is cancelled also when its work caught what the try refused: it would be confirmed with the others', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('tells a try that refused from one that still runs and one that says nothing', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start({
        ...branches,
        ongoing: (_call: BranchCallContext<Reservation>) => {
          throw new BranchOngoing('asking the box office');
        },
        broken: (_call: BranchCallContext<Reservation>) => {
          throw new Error('no light');
        },
      });
      const cases = [
        [b.soldOut, BranchFailure, 'sold out'],
        [b.ongoing, BranchOngoing, 'asking the box office'],
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

    it('gives a try its own time, and takes what comes too late for unknown', async () => {
      const { branches } = theatre();
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const { hf, branches: b } = await harness.start({
        ...branches,
        slow: (_call: BranchCallContext<Reservation>) => gate,
      });
      const failure = await thrownBy(
        hf.tcc((tx) => tx.call({ ...seats(b, 1), try: b.slow, requestTimeoutMs: 50 }), { requestTimeoutMs: 20_000 }),
      );
      letGo();
      expect((failure as Error).cause).toMatchObject({ code: 'branch_unknown', branchId: '01', op: 'try' });
    });

    it('runs calls at once, and waits for all of them before it cancels', async () => {
      const { told, branches } = theatre();
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const { hf, branches: b } = await harness.start({
        ...branches,
        slow: async (call: BranchCallContext<Reservation>) => {
          await gate;
          told.push(`try ${call.branchId} ${call.payload.seats}`);
        },
        soldOut: (call: BranchCallContext<Reservation>) => {
          setImmediate(letGo);
          return branches.soldOut(call);
        },
      });
      const work = hf.tcc(
        (tx) => Promise.all([tx.call({ ...seats(b, 1), try: b.slow }), tx.call({ ...seats(b, 2), try: b.soldOut })]),
        { wait: true },
      );
      await expect(work).rejects.toMatchObject({ reason: 'sold out' });
      expect(told.slice(0, 2)).toEqual(['try 02 2', 'try 01 1']);
      expect(told.slice(2).toSorted()).toEqual(['cancel 01 1', 'cancel 02 2']);
    });

    it('confirms a call that its work did not wait for, too', async () => {
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      await hf.tcc((tx) => void tx.call(seats(b, 1)), { wait: true });
      expect(told).toEqual(['try 01 1', 'confirm 01 1']);
    });

    it('takes no calls when its work has ended', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const tx = await hf.tcc((one) => one);
      await expect(tx.call(seats(b, 1))).rejects.toThrow(TypeError);
    });

    it('has nothing to do where a branch says null, and calls without a payload by GET', async () => {
      const told: string[] = [];
      const { hf, branches } = await harness.start({
        hold: (call: BranchCallContext) => void told.push(`${call.op} ${call.branchId} ${String(call.payload)}`),
      });
      await hf.tcc((tx) => tx.call({ try: branches.hold, confirm: null, cancel: branches.hold }), {
        gid: 'bare',
        wait: true,
      });
      await hf.wait('bare');
      expect(told).toEqual(['try 01 undefined']);
    });

    it('is told what a try returns, and checks it if it is told how', async () => {
      const { branches } = theatre();
      const { hf, branches: b } = await harness.start({
        ...branches,
        row: (call: BranchCallContext<Reservation>) => ({ row: call.payload.seats }),
      });
      const answers = await hf.tcc(async (tx) => [
        await tx.call(seats(b, 1)),
        await tx.call({ ...seats(b, 7), try: b.row }),
        await tx.call({ ...seats(b, 8), try: b.row, parse: (answer) => JSON.stringify(answer) }),
      ]);
      expect(answers).toEqual([undefined, { row: 7 }, '{"row":8}']);
      const bad = hf.tcc((tx) =>
        tx.call({
          ...seats(b, 1),
          parse: () => {
            throw new Error('not an answer');
          },
        }),
      );
      await expect(bad).rejects.toMatchObject({ code: 'transaction_failed', reason: 'not an answer' });
    });

    it('is cancelled by the coordinator when its work takes too long', async () => {
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const failure = await thrownBy(
        hf.tcc(
          async (tx) => {
            await tx.call(seats(b, 1));
            await vi.waitUntil(async () => (await hf.get(tx.gid))?.status === 'failed', { timeout: 10_000 });
            await tx.call(seats(b, 2));
          },
          { timeoutToFailMs: 60 },
        ),
      );
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect((failure as TransactionFailed).reason).toContain('Timeout');
      expect((failure as Error).cause).toMatchObject({ code: 'request_rejected', transactionStatus: 'failed' });
      expect(told).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('is not submitted when its time was over before its work returned', async () => {
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const late = hf.tcc(
        async (tx) => {
          await tx.call(seats(b, 1));
          await vi.waitUntil(async () => (await hf.get(tx.gid))?.status === 'failed', { timeout: 10_000 });
        },
        { timeoutToFailMs: 60 },
      );
      await expect(late).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(told).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('ends with the reason of its signal, and is cancelled', async () => {
      const { told, branches } = theatre();
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
      await expect(hf.get('left')).resolves.toMatchObject({ status: 'failed', rollbackReason: reason.message });
      expect(told).toEqual(['try 01 1', 'cancel 01 1']);
    });

    it('sends its headers and options with what they are for', async () => {
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
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      const run = () => hf.tcc((tx) => tx.call(seats(b, 1)), { gid: 'once', wait: true });
      await run();
      await expect(run()).rejects.toMatchObject({ rejection: 'refused', transactionStatus: 'succeed', gid: 'once' });
      expect(told).toEqual(['try 01 1', 'confirm 01 1']);
    });

    it('goes on under its gid where a run before it died, unless that called something else', async () => {
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      let called = (): void => undefined;
      const started = new Promise<void>((resolve) => (called = resolve));
      // As good as dead: it will find the transaction decided when it goes on.
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
      letGo();
      await dead;
      expect(told).toEqual(['try 01 1', 'try 01 1', 'confirm 01 1']);

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
      expect(told).not.toContain('try 01 7');
    });
  });

  describe('a tcc within a try', () => {
    it('is part of the transaction that the try belongs to', async () => {
      const { told, branches } = theatre();
      const inner: { hf?: Holdfast } = {};
      const { hf, branches: b } = await harness.start({
        ...branches,
        travel: async (call: BranchCallContext<Reservation>) => {
          told.push(`try ${call.branchId} ${call.payload.seats}`);
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
      expect(told).toEqual([
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

    it('fails the try when it throws, and everything is cancelled', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 0101 10', 'try 0102 11', 'cancel 0102 11', 'cancel 0101 10', 'cancel 01 1']);
    });

    it('lets the whole be cancelled when it fails, also when the handler of the try caught that', async () => {
      const { told, branches } = theatre();
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
      expect(told.toSorted()).toEqual(['cancel 01 1', 'cancel 0101 10', 'try 0101 10']);
      await expect(hf.get('swallowed')).resolves.toMatchObject({ status: 'failed' });
    });

    it('lets the whole be cancelled also when whoever called the try takes its failure for nothing', async () => {
      const { told, branches } = theatre();
      const { hf, branches: b } = await harness.start(branches);
      // As a service does that is asked by the try's handler as part of the same branch, and whose answer that handler does not look at.
      const work = hf.tcc(
        (tx) =>
          thrownBy(
            runInBranch(
              {
                gid: tx.gid,
                transType: 'tcc',
                branchId: '01',
                op: 'try',
                payload: undefined,
                query: new URLSearchParams(),
              },
              () => hf.tcc((joined) => joined.call({ ...seats(b, 10), try: b.soldOut })),
            ),
          ),
        { wait: true },
      );
      await expect(work).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed', reason: 'sold out' });
      expect(told).toEqual(['try 0101 10', 'cancel 0101 10']);
    });

    it('is waited for by the try, also when the handler does not', async () => {
      const { told, branches } = theatre();
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
      expect(told.toSorted()).toEqual(['cancel 01 1', 'cancel 0101 10', 'try 0101 10']);
    });

    it('is one of its own if it says so, and must say so to have a gid of its own', async () => {
      const { told, branches } = theatre();
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
      expect(told).toEqual(['try 01 10', 'confirm 01 10', 'confirm 01 1']);
    });
  });
}
