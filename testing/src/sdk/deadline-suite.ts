import { CheckedStore } from '@holdfast/core/store';
import { CoordinatorUnreachable, DeadlineExceeded } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { HeldStore } from '../stores/held-store.ts';
import type { SdkHarness } from './harness.ts';
import { thrownBy } from './theatre.ts';

/** The timeout of calls that are to end by it. */
const callTimeoutMs = 1_000;

export function deadlineSuite(harness: SdkHarness): void {
  const start = async () => {
    const calls: string[] = [];
    const note = (call: { readonly op: string; readonly branchId: string }): void => {
      calls.push(`${call.op} ${call.branchId}`);
    };
    const store = new HeldStore();
    const world = await harness.start({ debit: note, credit: note }, { store: new CheckedStore(store) });
    const { debit, credit } = world.branches;
    const transfer = (gid: string) =>
      world.hf.saga(gid).step({ action: debit, compensate: null }).step({ action: credit, compensate: null });
    return { ...world, store, calls, transfer };
  };

  describe('the timeout of a call', () => {
    it('ends a call to a coordinator whose store hangs, with an unknown outcome', async () => {
      const { hf, store, transfer } = await start();
      store.hold();
      const error = await thrownBy(transfer('a').submit({ callTimeoutMs }));
      expect(error).toBeInstanceOf(DeadlineExceeded);
      expect(error).toBeInstanceOf(CoordinatorUnreachable);
      expect(error).toMatchObject({
        name: 'DeadlineExceeded',
        code: 'deadline_exceeded',
        outcome: 'unknown',
        gid: 'a',
      });
      // Nothing is changed by a call that reads.
      await expect(hf.get('b', { callTimeoutMs })).rejects.toMatchObject({
        code: 'deadline_exceeded',
        outcome: 'not_started',
        gid: 'b',
      });
      store.release();
    });

    it('leaves one transaction, whose branches are called once, to a caller that repeats the call', async () => {
      const { hf, store, calls, transfer } = await start();
      store.hold();
      await expect(transfer('a').submit({ wait: true, callTimeoutMs })).rejects.toMatchObject({ outcome: 'unknown' });
      const again = transfer('a').submit({ wait: true });
      store.release();
      await expect(again).resolves.toMatchObject({ gid: 'a', status: 'succeed' });
      expect(calls).toEqual(['action 01', 'action 02']);
      expect((await hf.list()).items.map(({ gid }) => gid)).toEqual(['a']);
    });

    it('ends a wait with the state of the transaction, which continues', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const { hf, branches } = await harness.start({ slow: () => held });
      const saga = hf.saga('a').step({ action: branches.slow, compensate: null });
      const pending = { code: 'transaction_pending', gid: 'a', status: 'submitted' };
      await expect(saga.submit({ wait: true, callTimeoutMs })).rejects.toMatchObject(pending);
      await expect(hf.wait('a', { callTimeoutMs })).rejects.toMatchObject(pending);
      release();
      await expect(hf.wait('a')).resolves.toMatchObject({ status: 'succeed' });
    });

    it.each([Infinity, 2 ** 40])('may be %d ms, which limits nothing', async (longMs) => {
      const { hf, calls, transfer } = await start();
      const submitted = transfer('a').submit({ wait: true, callTimeoutMs: longMs });
      await expect(submitted).resolves.toMatchObject({ status: 'succeed' });
      await expect(hf.get('a', { callTimeoutMs: longMs })).resolves.toMatchObject({ status: 'succeed' });
      expect(calls).toEqual(['action 01', 'action 02']);
    });

    it.each([-1, Number.NaN, '5', null])('is rejected before anything is sent if it is %j', async (wrong) => {
      const { hf, branches, transfer } = await start();
      const options = { callTimeoutMs: wrong as number };
      const message = () => hf.message('a').step(branches.credit);
      const calls = [
        transfer('a').submit(options),
        message().prepare('http://a/', options),
        message().submit(options),
        hf.tcc(() => undefined, { gid: 'a', ...options }),
        hf.xa(() => undefined, { gid: 'a', ...options }),
        hf.wait('a', options),
        hf.finished('a', options),
        hf.abort('a', options),
        hf.retry('a', options),
        hf.topics.subscribe('paid', branches.credit, options),
      ];
      const thrown = await Promise.all(calls.map(thrownBy));
      for (const error of thrown) expect(String(error)).toContain('TypeError: callTimeoutMs must be a number');
      await expect(hf.get('a')).resolves.toBeUndefined();
    });

    it('starts nothing if no time is left', async () => {
      const { hf, transfer } = await start();
      const nothing = { code: 'deadline_exceeded', outcome: 'not_started', attempts: 0 };
      await expect(transfer('a').submit({ callTimeoutMs: 0 })).rejects.toMatchObject(nothing);
      await expect(hf.abort('a', { callTimeoutMs: 0 })).rejects.toMatchObject(nothing);
      await expect(hf.get('a')).resolves.toBeUndefined();
    });

    it('does not limit the work of a tcc, only its calls to the coordinator', async () => {
      const { hf, calls, branches } = await start();
      const { debit: branch } = branches;
      const value = await hf.tcc(
        async (tx) => {
          await new Promise((resolve) => setTimeout(resolve, callTimeoutMs));
          await tx.call({ try: branch, confirm: branch, cancel: branch });
          return 7;
        },
        { callTimeoutMs, wait: true },
      );
      expect(value).toBe(7);
      expect(calls).toEqual(['try 01', 'confirm 01']);
    });
  });
}
