import { BranchFailure, LIMITS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type BranchCallContext, type Flow, TransactionFailed } from '@holdfast/client';
import type { SdkHarness } from './harness.ts';
import { bank, flaky, noted, refuse, thrownBy, type Transfer, workflowStarter } from './workflow-bank.ts';

/** The outcome of a workflow whose steps all have a known result. */
export function workflowOutcomeSuite(harness: SdkHarness): void {
  const start = workflowStarter(harness);

  describe('a workflow', () => {
    it('runs its steps, resolves to the value of its code, and is recorded as succeeded', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const transfer = hf.workflow('transfer', v1, async (flow, input: Transfer) => {
        const debit = await flow.step('debit', { run: () => ({ id: 7, amount: input.amount }) });
        const credit = await flow.call('credit', { action: b.credit, compensate: b.revoke, payload: input });
        return { debit, credit };
      });
      const result = await transfer.run({ amount: 30 }, { gid: 'w-1' });
      expect(result).toEqual({ debit: { id: 7, amount: 30 }, credit: { receipt: 'credit' } });
      expect(notes).toEqual(['action credit 30']);
      await expect(hf.get('w-1')).resolves.toMatchObject({
        pattern: 'workflow',
        status: 'succeed',
        branches: [
          { branchId: 'debit', op: 'action', status: 'succeed' },
          { branchId: 'credit', op: 'action', status: 'succeed' },
        ],
      });
    });

    it('resolves to its outcome when it is run again under its gid, and does nothing twice', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, (flow: Flow, input: Transfer) =>
        flow.step(
          'debit',
          noted(notes, 'debit', () => input.amount),
        ),
      );
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      await expect(transfer.run({ amount: 30 }, { gid: 'w-1' })).resolves.toBe(30);
      expect(notes).toEqual(['run debit']);
    });

    it('gives the code the input and results as JSON represents them, in the first run as in later ones', async () => {
      const { hf, v1 } = await start({});
      const dates = hf.workflow('dates', v1, async (flow, input: { at: Date } | undefined) => {
        const at = await flow.step<unknown>('date', () => new Date(0));
        return [at, input?.at, await flow.step('nothing', () => undefined)];
      });
      await expect(dates.run({ at: new Date(1) })).resolves.toEqual([
        '1970-01-01T00:00:00.000Z',
        '1970-01-01T00:00:00.001Z',
        null,
      ]);
      await expect(dates.run(undefined)).resolves.toEqual(['1970-01-01T00:00:00.000Z', null, null]);
    });

    it('undoes every step newest first, including the failed one, when a step fails, and reports the reason', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const transfer = hf.workflow('transfer', v1, async (flow, input: Transfer) => {
        await flow.step('debit', noted(notes, 'debit'));
        await flow.call('credit', { action: b.credit, compensate: b.revoke, payload: input });
        await flow.step('note', () => notes.push('run note'));
        await flow.step('close', noted(notes, 'close', refuse));
        notes.push('never');
      });
      const failure = await thrownBy(transfer.run({ amount: 30 }, { gid: 'declined' }));
      expect(failure).toBeInstanceOf(TransactionFailed);
      expect(failure).toMatchObject({ gid: 'declined', status: 'failed', reason: 'the account is closed' });
      expect((failure as TransactionFailed).cause).toBeInstanceOf(BranchFailure);
      expect(notes).toEqual([
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
      expect(notes).toHaveLength(7);
    });

    it('fails when its code throws BranchFailure between steps', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const transfer = hf.workflow('transfer', v1, async (flow: Flow) => {
        const balance = await flow.step(
          'debit',
          noted(notes, 'debit', () => -5),
        );
        if (Number(balance) < 0) throw new BranchFailure('overdrawn');
      });
      await expect(transfer.run(undefined)).rejects.toMatchObject({ status: 'failed', reason: 'overdrawn' });
      expect(notes).toEqual(['run debit', 'undo debit -5']);
    });

    it('may handle a failed step and take another path; the failed step is undone at the end', async () => {
      const { notes, branches } = bank();
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
          return flow.step('invoice', noted(notes, 'invoice'));
        }
      });
      await expect(order.run(undefined)).resolves.toBe('invoice');
      expect(notes).toEqual(['run invoice', 'rollback card 1']);
    });

    it('confirms its tcc branches and commits its xa branches when it has succeeded, newest first', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        const seat = { try: b.hold, confirm: b.book, cancel: b.release };
        const result = await flow.tcc('seat', { ...seat, payload: { amount: 1 } });
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        await flow.tcc('room', { ...seat, confirm: null, payload: { amount: 3 } });
        return result;
      });
      await expect(trip.run(undefined)).resolves.toEqual({ receipt: 'seat' });
      expect(notes).toEqual(['action seat 1', 'action pay 2', 'action room 3', 'commit pay 2', 'commit seat 1']);
    });

    it.each(['commit', 'rollback'] as const)('its XA steps end before newer steps: %s', async (end) => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        await flow.tcc('seat', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 1 } });
        await flow.xa('tip', { url: b.xa, payload: { amount: 3 } });
        await flow.tcc('room', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 4 } });
        if (end === 'rollback') refuse();
      });
      await trip.run(undefined).catch((error: unknown) => expect(error).toBeInstanceOf(TransactionFailed));
      expect(notes.slice(4)).toEqual([`${end} tip 3`, `${end} pay 2`, `${end} room 4`, `${end} seat 1`]);
    });

    it('is not aborted for its XA steps once a step that nothing undoes may have been carried out', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const [wired, noticed] = [flaky(1, 'wired'), flaky(1, 'noticed')];
      const pay = hf.workflow('pay', { ...v1, longestPreparedMs: 0 }, async (flow: Flow) => {
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        await flow.step('wire', () => {
          notes.push('wire');
          return wired();
        });
        // Its outcome is unclear after the wire has succeeded.
        await flow.step('notice', noted(notes, 'notice', noticed));
      });
      await pay.run(undefined, { wait: true });
      expect(notes).toEqual(['action pay 2', 'wire', 'wire', 'run notice', 'run notice', 'commit pay 2']);
    });

    it('is aborted for its XA steps after it took the time and a UUID, but not once they have failed', async () => {
      const { notes, branches } = bank();
      const {
        hf,
        v1,
        branches: b,
      } = await start({
        ...branches,
        refuse: (call: BranchCallContext) => (call.op === 'action' ? refuse() : undefined),
      });
      const options = { ...v1, longestPreparedMs: 0 };
      const aborted = hf.workflow('aborted', options, async (flow: Flow) => {
        await flow.now('now');
        await flow.uuid('uuid');
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        await flow.step('last', noted(notes, 'last', flaky(Infinity, undefined)));
      });
      await expect(aborted.run(undefined, { wait: true })).rejects.toMatchObject({ code: 'transaction_failed' });
      expect(notes).toEqual(['action pay 2', 'run last', 'rollback pay 2', 'undo last unknown']);

      notes.length = 0;
      const flakyOnce = flaky(1, 'last');
      const failed = hf.workflow('failed', options, async (flow: Flow) => {
        await flow.xa('pay', { url: b.refuse, payload: null }).catch(() => undefined);
        await flow.step('last', noted(notes, 'last', flakyOnce));
      });
      await failed.run(undefined, { wait: true });
      expect(notes).toEqual(['run last', 'run last']);
    });

    it('cancels and rolls them back when it fails', async () => {
      const { notes, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        await flow.tcc('seat', { try: b.hold, confirm: b.book, cancel: b.release, payload: { amount: 1 } });
        await flow.xa('pay', { url: b.xa, payload: { amount: 2 } });
        refuse();
      });
      await expect(trip.run(undefined)).rejects.toBeInstanceOf(TransactionFailed);
      expect(notes).toEqual(['action seat 1', 'action pay 2', 'rollback pay 2', 'rollback seat 1']);
    });

    it.each([
      ['too much', () => 'x'.repeat(LIMITS.branchResultBytes), 'at most 4096'],
      ['what JSON cannot hold', () => ({ n: 1n }), 'a value that is not JSON'],
      ['a promise that was not awaited', () => ({ user: Promise.resolve(1) }), 'result.user: a Promise'],
    ])('fails, rather than repeat a step that returns %s at each callback', async (_, give, words) => {
      const notes: string[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const bigStep = hf.workflow('big step', v1, async (flow: Flow) => {
        await flow.step('debit', noted(notes, 'debit'));
        const undo = (result: unknown) => void notes.push(`undo give ${typeof result}`);
        await flow.step('give', { ...noted(notes, 'give', give), undo });
      });
      const failure = { code: 'transaction_failed', status: 'failed', reason: expect.stringContaining(words) };
      await expect(bigStep.run(undefined)).rejects.toMatchObject(failure);
      expect(notes.splice(0)).toEqual(['run debit', 'run give', `undo give ${typeof give()}`, 'undo debit "debit"']);

      const bigEnd = hf.workflow('big end', v1, async (flow: Flow) => {
        await flow.step('debit', noted(notes, 'debit'));
        return give();
      });
      await expect(bigEnd.run(undefined)).rejects.toMatchObject(failure);
      expect(notes).toEqual(['run debit', 'undo debit "debit"']);
    });

    it.each([
      ['a Map', () => new Map([['a', 1]]), 'result: a Map is not JSON'],
      ['a Set in an object', () => ({ ids: new Set([1]) }), 'result.ids: a Set is not JSON'],
      ['NaN', () => [Number.NaN], 'result[0]: NaN is not JSON'],
      ['bytes', () => new Uint8Array([1]), 'a value that is not JSON'],
      ['an error', () => ({ why: new Error('no') }), 'a value that is not JSON'],
    ])('fails a step that gives %s, which JSON would change, and its undo gets it', async (_, give, words) => {
      const notes: unknown[] = [];
      const { hf, v1 } = await start({}, { retryIntervalMs: 60_000 });
      const given: unknown = give();
      const changed = hf.workflow('changed', v1, async (flow: Flow) => {
        await flow.step<unknown>('give', { run: () => given, undo: (result) => void notes.push(result) });
        notes.push('never');
      });
      const reason: unknown = expect.stringMatching(/^Step give returned a value that is not JSON/);
      const failure = await thrownBy(changed.run(undefined));
      expect(failure).toMatchObject({ code: 'transaction_failed', status: 'failed', reason });
      expect(failure).toMatchObject({ reason: expect.stringContaining(words) });
      expect(notes[0]).toBe(given);
      expect(notes).toHaveLength(1);
    });

    it.each(['call', 'tcc', 'xa'] as const)(
      'fails a %s whose participant returns too much, and undoes it, before anything after it runs',
      async (kind) => {
        const notes: string[] = [];
        const act = ({ op }: BranchCallContext): string | undefined => {
          notes.push(op);
          return op === 'action' ? 'x'.repeat(LIMITS.branchResultBytes) : undefined;
        };
        const { hf, v1, branches: b } = await start({ act }, { retryIntervalMs: 60_000 });
        const big = hf.workflow('big', v1, async (flow: Flow) => {
          const payload = null;
          if (kind === 'call') await flow.call('big', { action: b.act, compensate: b.act, payload });
          else if (kind === 'tcc') await flow.tcc('big', { try: b.act, confirm: b.act, cancel: b.act, payload });
          else await flow.xa('big', { url: b.act, payload });
          notes.push('never');
        });
        await expect(big.run(undefined)).rejects.toMatchObject({
          status: 'failed',
          reason: expect.stringMatching(/^Step big returned 4098 bytes of JSON; at most 4096 are recorded/),
        });
        expect(notes).toEqual(['action', 'rollback']);
      },
    );

    it('records a result as encoded by the codec of its step', async () => {
      const notes: string[] = [];
      const { hf, v1 } = await start({});
      const codec = { encode: String, decode: (json: unknown) => BigInt(json as string) };
      const counted = hf.workflow('counted', v1, async (flow: Flow) => {
        const n = await flow.step('count', {
          run: () => 2n ** 64n,
          undo: (result) => void notes.push(`undo ${typeof result} ${result}`),
          codec,
        });
        notes.push(`got ${typeof n} ${n}`);
        await flow.step('wrong', {
          run: () => 'x',
          codec: {
            encode: () => {
              throw new Error('no form for it');
            },
            decode: String,
          },
        });
      });
      await expect(counted.run(undefined)).rejects.toMatchObject({
        status: 'failed',
        reason: 'Step wrong returned a value that its codec cannot encode: no form for it',
      });
      expect(notes).toEqual([
        'got bigint 18446744073709551616',
        // Undone by a replay, from the record.
        'got bigint 18446744073709551616',
        'undo bigint 18446744073709551616',
      ]);
    });

    it('fails, and undoes the other steps, when the name of an xa step is too long for its gid', async () => {
      const notes: string[] = [];
      const { notes: atBank, branches } = bank();
      const { hf, v1, branches: b } = await start(branches);
      const trip = hf.workflow('trip', v1, async (flow: Flow) => {
        await flow.step('debit', noted(notes, 'debit'));
        await flow.xa('pay'.repeat(20), { url: b.xa, payload: { amount: 2 } });
      });
      await expect(trip.run(undefined, { gid: 'g'.repeat(20) })).rejects.toMatchObject({
        code: 'transaction_failed',
        status: 'failed',
        reason: expect.stringContaining('more than 64 bytes'),
      });
      expect([notes, atBank]).toEqual([['run debit', 'undo debit "debit"'], []]);
    });
  });
}
