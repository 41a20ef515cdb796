import { BranchFailure, BranchOngoing, LIMITS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { TransactionFailed, TransactionPending } from '../../../src/errors.ts';
import type { BranchCallContext } from '../../../src/participants/call.ts';
import type { Flow } from '../../../src/workflow/flow.ts';
import { WorkflowMismatch } from '../../../src/workflow/mismatch.ts';
import type { Handlers, SdkHarness, SdkOptions } from './harness.ts';

interface Transfer {
  readonly amount: number;
}

/** Participants that note what they are told. */
function bank() {
  const told: string[] = [];
  const note = (call: BranchCallContext<Transfer>) => {
    told.push(`${call.op} ${call.branchId} ${call.payload.amount}`);
    return { receipt: call.branchId };
  };
  return { told, branches: { credit: note, revoke: note, hold: note, book: note, release: note, xa: note } };
}

/** A step of this process that notes what it does. */
const noted = (told: string[], name: string, work: () => unknown = () => name) => ({
  run: () => {
    told.push(`run ${name}`);
    return work();
  },
  undo: (result: unknown) =>
    void told.push(`undo ${name} ${result === undefined ? 'unknown' : JSON.stringify(result)}`),
});

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`it returned ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

const refuse = (): never => {
  throw new BranchFailure('the account is closed');
};

/** Throws so many times before it returns. */
function flaky<T>(times: number, value: T, error: () => Error = () => new Error('the database is away')) {
  let left = times;
  return (): T => {
    if (left-- > 0) throw error();
    return value;
  };
}

export function workflowSuite(harness: SdkHarness): void {
  const start = async <B extends Handlers>(branches: B, options?: SdkOptions) => {
    const world = await harness.start(branches, options);
    return { ...world, v1: { version: 1, ...world.workflowOptions } };
  };

  describe('a workflow', () => {
    it('runs its steps, gives what its code returned, and is recorded as succeeded', async () => {
      const { told, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const transfer = hf.workflow('transfer', v1, async (flow, input: Transfer) => {
        const debit = await flow.step('debit', { run: () => ({ id: 7, amount: input.amount }) });
        const credit = await flow.call('credit', { action: b.credit, compensate: b.revoke, payload: input });
        return { debit, credit };
      });
      const result = await transfer.run({ amount: 30 }, { gid: 'w-1' });
      expect(result).toEqual({ debit: { id: 7, amount: 30 }, credit: { receipt: 'credit' } });
      expect(told).toEqual(['action credit 30']);
      await expect(hf.get('w-1')).resolves.toMatchObject({
        pattern: 'workflow',
        status: 'succeed',
        branches: [
          { branchId: 'debit', op: 'action', status: 'succeed' },
          { branchId: 'credit', op: 'action', status: 'succeed' },
        ],
      });
    });

    it('answers how it ended when it is run again under its gid, and does nothing twice', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, (flow: Flow, input: Transfer) =>
        flow.step(
          'debit',
          noted(told, 'debit', () => input.amount),
        ),
      );
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      expect(told).toEqual(['run debit']);
    });

    it('is refused with another input under its gid: while it runs here, while it waits, and when it has ended', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      let begun = (): void => undefined;
      const started = new Promise<void>((resolve) => (begun = resolve));
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      let lost = true;
      const transfer = hf.workflow('transfer', v1, async (flow: Flow, { amount }: Transfer) => {
        told.push(`runs with ${amount}`);
        begun();
        await gate;
        return flow.step('debit', () => {
          if (lost) throw new Error('the database is away');
          return amount;
        });
      });
      const refusal = { code: 'request_rejected', rejection: 'refused', gid: 'w-1', field: 'workflow.input' };
      const running = thrownBy(transfer.run({ amount: 30 }, { gid: 'w-1' }));
      await started;
      const joined = thrownBy(transfer.run({ amount: 30 }, { gid: 'w-1' }));
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      letGo();
      expect(await running).toBeInstanceOf(TransactionPending);
      expect(await joined).toBeInstanceOf(TransactionPending);
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      lost = false;
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      await expect(transfer.run({ amount: 31 }, { gid: 'w-1' })).rejects.toMatchObject(refusal);
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      expect(told).toEqual(['runs with 30', 'runs with 30']);
    });

    it('gives the code what JSON makes of a result and of the input, in the first run as in later ones', async () => {
      const { hf, v1 } = await start({});
      const dates = hf.workflow('dates', v1, async (flow, input: { at: Date } | undefined) => {
        const at: unknown = await flow.step('date', () => new Date(0));
        return [at, input?.at, await flow.step('nothing', () => undefined)];
      });
      await expect(dates.run({ at: new Date(1) })).resolves.toEqual([
        '1970-01-01T00:00:00.000Z',
        '1970-01-01T00:00:00.001Z',
        null,
      ]);
      await expect(dates.run(undefined)).resolves.toEqual(['1970-01-01T00:00:00.000Z', null, null]);
    });

    it('undoes every step newest first, the failed one too, when one fails, and says why', async () => {
      const { told, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const transfer = hf.workflow('transfer', v1, async (flow, input: Transfer) => {
        await flow.step('debit', noted(told, 'debit'));
        await flow.call('credit', { action: b.credit, compensate: b.revoke, payload: input });
        await flow.step('note', () => told.push('run note'));
        await flow.step('close', noted(told, 'close', refuse));
        told.push('never');
      });
      const failure = await thrownBy(transfer.run({ amount: 30 }, { gid: 'declined' }));
      expect(failure).toBeInstanceOf(TransactionFailed);
      expect(failure).toMatchObject({ gid: 'declined', status: 'failed', reason: 'the account is closed' });
      expect((failure as TransactionFailed).cause).toBeInstanceOf(BranchFailure);
      expect(told).toEqual([
        'run debit',
        'action credit 30',
        'run note',
        'run close',
        'undo close unknown',
        'rollback credit 30',
        'undo debit "debit"',
      ]);
      await expect(thrownBy(transfer.run({ amount: 30 }, { gid: 'declined' }))).resolves.toMatchObject({
        status: 'failed',
        reason: 'the account is closed',
      });
      expect(told).toHaveLength(7);
    });

    it('fails when its code says so between steps', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const balance = await flow.step(
          'debit',
          noted(told, 'debit', () => -5),
        );
        if (Number(balance) < 0) throw new BranchFailure('overdrawn');
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed', reason: 'overdrawn' });
      expect(told).toEqual(['run debit', 'undo debit -5']);
    });

    it('may get over a failed step and go another way; that step is undone at the end', async () => {
      const { told, branches } = bank();
      const {
        hf,
        v1,
        branches: b,
      } = await start({ ...branches, refuse: (_call: BranchCallContext<Transfer>) => refuse() });
      const payload = { amount: 1 };
      const order = hf.workflow('order', v1, async (flow: Flow) => {
        try {
          return await flow.call('card', { action: b.refuse, compensate: b.revoke, payload });
        } catch (error) {
          if (!(error instanceof BranchFailure)) throw error;
          return flow.step('invoice', noted(told, 'invoice'));
        }
      });
      await expect(order.run(undefined)).resolves.toBe('invoice');
      expect(told).toEqual(['run invoice', 'rollback card 1']);
    });

    it('confirms its tcc branches and commits its xa branches when it has succeeded, newest first', async () => {
      const { told, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        const seat = { try: b.hold, confirm: b.book, cancel: b.release };
        const answer = await flow.tcc('seat', { ...seat, payload: { amount: 1 } });
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        await flow.tcc('room', { ...seat, confirm: null, payload: { amount: 3 } });
        return answer;
      });
      await expect(trip.run(undefined)).resolves.toEqual({ receipt: 'seat' });
      expect(told).toEqual(['action seat 1', 'action pay 2', 'action room 3', 'commit pay 2', 'commit seat 1']);
    });

    it('cancels and rolls them back when it fails', async () => {
      const { told, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        await flow.tcc('seat', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 1 } });
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        refuse();
      });
      await expect(trip.run(undefined)).rejects.toBeInstanceOf(TransactionFailed);
      expect(told).toEqual(['action seat 1', 'action pay 2', 'rollback pay 2', 'rollback seat 1']);
    });

    it.each([
      ['an error', () => new Error('the database is away')],
      ['not done yet', () => new BranchOngoing('the clerk is at lunch')],
    ])(
      'is pending when the outcome of a step is not known (%s), and is called back: what is recorded is not repeated',
      async (_, error) => {
        const told: string[] = [];
        const { hf, v1 } = await start({});
        const credit = flaky(2, 'credited', error);
        const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
          await flow.step('debit', noted(told, 'debit'));
          return flow.step('credit', noted(told, 'credit', credit));
        });
        const pending = await thrownBy(transfer.run(undefined, { gid: 'later' }));
        expect(pending).toBeInstanceOf(TransactionPending);
        expect(pending).toMatchObject({ gid: 'later', status: 'prepared', reason: error().message, cause: error() });
        await expect(hf.wait('later')).resolves.toMatchObject({ status: 'succeed' });
        expect(told).toEqual(['run debit', 'run credit', 'run credit', 'run credit']);
        await expect(transfer.run(undefined, { gid: 'later' })).resolves.toBe('credited');
      },
    );

    it('waits for the call-backs with `wait`, and gives what they came to', async () => {
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, (flow: Flow) => flow.step('credit', good));
      const good = flaky(1, 'credited');
      await expect(transfer.run(undefined, { wait: true })).resolves.toBe('credited');
      const fail = hf.workflow('fails later', v1, (flow: Flow) => flow.step('credit', () => flakyRefusal()()));
      const flakyRefusal = flaky(1, refuse);
      await expect(fail.run(undefined, { wait: true })).rejects.toMatchObject({
        code: 'transaction_failed',
        reason: 'the account is closed',
      });
    });

    it('does not succeed over a step whose outcome is not known, whatever its code makes of the error', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const credit = flaky(1, 'credited');
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const got = await flow.step('credit', noted(told, 'credit', credit)).catch(() => 'never mind');
        await flow.step('note', noted(told, 'note')).catch(() => undefined);
        return got;
      });
      await expect(transfer.run(undefined, { gid: 'hush' })).rejects.toBeInstanceOf(TransactionPending);
      await hf.wait('hush');
      expect(told).toEqual(['run credit', 'run credit', 'run note']);
      await expect(transfer.run(undefined, { gid: 'hush' })).resolves.toBe('credited');
    });

    it('undoes a step whose outcome is not known when its code decides to fail', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        try {
          await flow.step('credit', noted(told, 'credit', flaky(9, 0)));
        } catch (error) {
          throw new BranchFailure('that takes too long', { cause: error });
        }
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed', reason: 'that takes too long' });
      expect(told).toEqual(['run credit', 'undo credit unknown']);
    });

    it('repeats an undo until it returns, and records what is undone', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const undo = flaky(1, undefined);
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step('debit', { run: () => 1, undo: () => (told.push('undo debit'), undo()) });
        await flow.step('credit', noted(told, 'credit', refuse));
      });
      const failure = await thrownBy(transfer.run(undefined, { gid: 'undone' }));
      expect(failure).toMatchObject({
        code: 'transaction_failed',
        status: 'aborting',
        reason: 'the account is closed',
      });
      await expect(hf.wait('undone')).rejects.toMatchObject({ status: expect.stringMatching(/aborting|failed/) });
      await expect.poll(async () => (await hf.get('undone'))?.status).toBe('failed');
      expect(told).toEqual(['run credit', 'undo credit unknown', 'undo debit', 'undo debit']);
    });

    it('once it has begun to confirm it is not aborted, and confirms until it is done', async () => {
      const { told, branches } = bank();
      const booked = flaky(1, 'booked');
      const book = (_call: BranchCallContext<Transfer>) => booked();
      const { hf, v1, branches: b } = await start({ ...branches, book }, { retryIntervalMs: 150 });
      const trip = hf.workflow('trip', v1, (flow: Flow) =>
        flow.tcc('seat', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 1 } }),
      );
      await expect(trip.run(undefined, { gid: 'decided' })).rejects.toMatchObject({ code: 'transaction_pending' });
      await expect(hf.abort('decided')).rejects.toMatchObject({ rejection: 'refused', transactionStatus: 'prepared' });
      await expect(hf.wait('decided')).resolves.toMatchObject({ status: 'succeed' });
      expect(told).toEqual(['action seat 1']);
    });

    it('is undone when a person aborts it while a step runs, and that step with it', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step('debit', noted(told, 'debit'));
        await flow.step(
          'credit',
          noted(told, 'credit', () => hf.abort('called off', { reason: 'the customer left' })),
        );
        await flow.step('note', noted(told, 'note'));
      });
      await expect(transfer.run(undefined, { gid: 'called off' })).rejects.toMatchObject({
        status: 'failed',
        reason: 'the customer left',
      });
      expect(told).toEqual(['run debit', 'run credit', 'undo credit unknown', 'undo debit "debit"']);
    });

    it('runs steps at once, waits for all of them before it undoes, and undoes what was not recorded as well', async () => {
      const told: string[] = [];
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const chain = async () => {
          await flow.step('a1', noted(told, 'a1'));
          letGo();
          await flow.step('a2', noted(told, 'a2', refuse));
        };
        const slow = async () => {
          await flow.step('b1', { ...noted(told, 'b1'), run: () => gate });
          await flow.step('b2', noted(told, 'b2'));
        };
        await Promise.all([chain(), slow()]);
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed' });
      expect(told.filter((line) => line.startsWith('undo')).toSorted()).toEqual(
        expect.arrayContaining(['undo a1 "a1"', 'undo a2 unknown', 'undo b1 unknown']),
      );
      expect(told.findLastIndex((line) => line.startsWith('run'))).toBeLessThan(
        told.findIndex((line) => line.startsWith('undo')),
      );
      if (told.includes('run b2')) expect(told).toContain('undo b2 "b2"');
    });

    it('that runs steps at once goes on after each of them was left open', async () => {
      const runs = new Map<string, number>();
      const { hf, v1 } = await start({});
      const once = (name: string) => {
        const work = flaky(1, name);
        return () => {
          runs.set(name, (runs.get(name) ?? 0) + 1);
          return work();
        };
      };
      const steps = Object.fromEntries(['a1', 'a2', 'b1', 'b2', 'c'].map((name) => [name, once(name)]));
      const braid = hf.workflow('braid', v1, async (flow: Flow) => {
        const run = (name: string) => flow.step(name, steps[name] ?? refuse);
        const chain = async (one: string, two: string) => `${await run(one)}${await run(two)}`;
        const parts = await Promise.all([chain('a1', 'a2'), chain('b1', 'b2')]);
        return [...parts, await run('c')].join(' ');
      });
      await expect(braid.run(undefined, { wait: true })).resolves.toBe('a1a2 b1b2 c');
      expect(Object.fromEntries(runs)).toEqual({ a1: 2, a2: 2, b1: 2, b2: 2, c: 2 });
    });

    it('sees the same time and the same chance in every run', async () => {
      const seen: unknown[] = [];
      const { hf, v1 } = await start({});
      const work = flaky(1, 'done');
      const lottery = hf.workflow('lottery', v1, async (flow: Flow) => {
        seen.push([await flow.now('drawn-at'), await flow.uuid('ticket')]);
        return flow.step('pay', work);
      });
      await lottery.run(undefined, { wait: true });
      expect(seen.length).toBeGreaterThanOrEqual(2);
      expect(new Set(seen.map((line) => JSON.stringify(line))).size).toBe(1);
    });

    it('runs once in a process however often it is asked for', async () => {
      let runs = 0;
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const { hf, v1 } = await start({});
      const slow = hf.workflow('slow', v1, (flow: Flow) => {
        runs++;
        return flow.step('wait', () => gate.then(() => 'waited'));
      });
      const both = [slow.run(undefined, { gid: 'w-1' }), slow.run(undefined, { gid: 'w-1' })];
      // Long enough that a call-back comes, too, and finds it running.
      const called = async () => (await hf.get('w-1'))?.timeline.some((line) => line.kind === 'call') ?? false;
      await expect.poll(called).toBe(true);
      letGo();
      await expect(Promise.all(both)).resolves.toEqual(['waited', 'waited']);
      expect(runs).toBe(1);
    });

    it('lets its caller go with the reason of the signal; what it was doing is recorded, and it goes on', async () => {
      const told: string[] = [];
      const hangUp = new AbortController();
      const reason = new Error('the customer left');
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step(
          'debit',
          noted(told, 'debit', () => hangUp.abort(reason)),
        );
        await flow.step('credit', noted(told, 'credit'));
      });
      await expect(transfer.run(undefined, { gid: 'left', signal: hangUp.signal })).rejects.toBe(reason);
      await hf.wait('left');
      expect(told).toEqual(['run debit', 'run credit']);
    });

    it.each([
      ['too much', () => 'x'.repeat(LIMITS.branchResultBytes), 'at most 4096'],
      ['what JSON cannot hold', () => ({ n: 1n }), 'JSON cannot hold'],
    ])('fails, rather than to repeat a step that gives %s at each call-back', async (_, give, words) => {
      const told: string[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const bigStep = hf.workflow('big step', v1, async (flow: Flow) => {
        await flow.step('debit', noted(told, 'debit'));
        await flow.step('give', noted(told, 'give', give));
      });
      const failure = { code: 'transaction_failed', status: 'failed', reason: expect.stringContaining(words) };
      await expect(bigStep.run(undefined)).rejects.toMatchObject(failure);
      expect(told.splice(0)).toEqual(['run debit', 'run give', 'undo give unknown', 'undo debit "debit"']);

      const bigEnd = hf.workflow('big end', v1, async (flow: Flow) => {
        await flow.step('debit', noted(told, 'debit'));
        return give();
      });
      await expect(bigEnd.run(undefined)).rejects.toMatchObject(failure);
      expect(told).toEqual(['run debit', 'undo debit "debit"']);
    });

    it('says what is wrong with the name of a step', async () => {
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const run = hf.workflow('names', v1, async (flow: Flow, names: readonly string[]) => {
        for (const name of names) await flow.step(name, () => 1);
      });
      for (const names of [['twice', 'twice'], ['with a blank'], [''], ['00'], ['x'.repeat(65)]])
        await expect(run.run(names)).rejects.toMatchObject({
          code: 'transaction_pending',
          cause: { name: 'TypeError' },
        });
    });

    it('waits for a person when its code is not the code that recorded its steps, and goes on when that is back', async () => {
      const told: string[] = [];
      const { hf, v1 } = await start({});
      let first = 'debit';
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        await flow.step(first, noted(told, first));
        return flow.step('credit', noted(told, 'credit', credit));
      });
      const credit = flaky(1, 'credited');
      const pending = transfer.run(undefined, { gid: 'changed' });
      await expect(pending.finally(() => (first = 'withdraw'))).rejects.toBeInstanceOf(TransactionPending);
      await expect.poll(async () => (await hf.get('changed'))?.parked, { timeout: 5_000 }).toContain('debit');
      await expect(hf.get('changed')).resolves.toMatchObject({ status: 'prepared', attention: true, dueAtMs: null });
      await expect(transfer.run(undefined, { gid: 'changed' })).rejects.toBeInstanceOf(WorkflowMismatch);
      expect(told).toEqual(['run debit', 'run credit']);
      first = 'debit';
      await hf.retry('changed');
      await expect(hf.wait('changed')).resolves.toMatchObject({ status: 'succeed', parked: '' });
    });

    it('waits for a person when a step has become one of another kind', async () => {
      const { told, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      let changed = false;
      const credit = flaky(1, 'credited');
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        if (changed) await flow.call('debit', { action: b.credit, compensate: null, payload: { amount: 1 } });
        else await flow.step('debit', noted(told, 'debit'));
        return flow.step('credit', credit);
      });
      const pending = transfer.run(undefined, { gid: 'changed' });
      await expect(pending.finally(() => (changed = true))).rejects.toBeInstanceOf(TransactionPending);
      await expect
        .poll(async () => (await hf.get('changed'))?.parked)
        .toContain('recorded as a step, now it is a call');
      expect(told).toEqual(['run debit']);
    });

    it('is refused under the gid of another transaction', async () => {
      const { hf, v1 } = await start({});
      const one = hf.workflow('one', v1, () => 1);
      const two = hf.workflow('two', v1, () => 2);
      await one.run(undefined, { gid: 'taken' });
      await expect(two.run(undefined, { gid: 'taken' })).rejects.toMatchObject({ rejection: 'refused' });
    });

    it('has a name of its own', async () => {
      const { hf, v1 } = await start({});
      hf.workflow('one', v1, () => 1);
      expect(() => hf.workflow('one', v1, () => 1)).toThrow(TypeError);
      expect(() => hf.workflow('', v1, () => 1)).toThrow(TypeError);
    });
  });
}
