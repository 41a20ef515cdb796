import { BranchFailure, isFinal, type TransactionDetails } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { SdkHarness } from './harness.ts';

const nothing = (): void => undefined;

/** A participant that responds when the test lets it. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { pass: () => opened, open: () => open() };
}

async function all(states: AsyncIterable<TransactionDetails>): Promise<readonly TransactionDetails[]> {
  const received: TransactionDetails[] = [];
  for await (const state of states) received.push(state);
  return received;
}

const expectIncreasing = (states: readonly TransactionDetails[]): void => {
  const versions = states.map(({ version }) => version);
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
};

export function watchSuite(harness: SdkHarness): void {
  describe('watching a transaction', () => {
    it('yields its state, later ones, and the final one at the end', async () => {
      const { pass, open } = gate();
      const { hf, branches } = await harness.start({ debit: pass, refund: nothing });
      const { gid } = await hf
        .saga(harness.oddGid)
        .step({ action: branches.debit, compensate: branches.refund })
        .submit();
      const states: TransactionDetails[] = [];
      for await (const state of hf.watch(gid)) {
        states.push(state);
        open();
      }
      expectIncreasing(states);
      expect(states.map(({ status }) => isFinal(status))).toEqual([...states.slice(1).map(() => false), true]);
      expect(states.at(0)?.status).toBe('submitted');
      expect(states.at(-1)).toEqual(await hf.get(gid));
    });

    it('shows a rollback to its end, and a finished one at once', async () => {
      const fail = () => {
        throw new BranchFailure('no money');
      };
      const { hf, branches } = await harness.start({ take: nothing, putBack: nothing, pay: fail });
      const { gid } = await hf
        .saga()
        .step({ action: branches.take, compensate: branches.putBack })
        .step({ action: branches.pay, compensate: null })
        .submit();
      const states = await all(hf.watch(gid));
      expectIncreasing(states);
      expect(states.at(-1)).toMatchObject({
        status: 'failed',
        rollbackReason: expect.stringContaining('no money') as unknown,
      });
      const { version = 0 } = states.at(-1) ?? {};
      expect(await all(hf.watch(gid, { afterVersion: version }))).toMatchObject([{ version, status: 'failed' }]);
    });

    it('continues after a version', async () => {
      const { pass, open } = gate();
      const { hf, branches } = await harness.start({ debit: pass });
      const { gid } = await hf.saga().step({ action: branches.debit, compensate: null }).submit();
      const { version = 0 } = (await hf.get(gid)) ?? {};
      const rest = all(hf.watch(gid, { afterVersion: version }));
      open();
      const states = await rest;
      expectIncreasing(states);
      expect(states[0]?.version).toBeGreaterThan(version);
      expect(states.at(-1)?.status).toBe('succeed');
    });

    it('ends when the loop is left, and with the reason of its signal', async () => {
      const { pass, open } = gate();
      const { hf, branches } = await harness.start({ debit: pass });
      const { gid } = await hf.saga().step({ action: branches.debit, compensate: null }).submit();
      for await (const { status } of hf.watch(gid)) {
        expect(status).toBe('submitted');
        break;
      }
      const abort = new AbortController();
      const { version = 0 } = (await hf.get(gid)) ?? {};
      const watching = all(hf.watch(gid, { afterVersion: version, signal: abort.signal }));
      abort.abort(new Error('enough'));
      await expect(watching).rejects.toThrow('enough');
      await expect(all(hf.watch(gid, { signal: abort.signal }))).rejects.toThrow('enough');
      open();
      await hf.wait(gid);
    });

    it('of an unknown gid is rejected, and a wrong option throws at once', async () => {
      const { hf } = await harness.start({});
      await expect(all(hf.watch('none'))).rejects.toMatchObject({ name: 'RequestRejected', rejection: 'not_found' });
      for (const afterVersion of [-1, 1.5, Number.NaN, '1' as never])
        expect(() => hf.watch('none', { afterVersion })).toThrow(/^afterVersion must be a whole number of 0 or more/);
      expect(() => hf.watch('none', { retryForMs: -1 })).toThrow(/^retryForMs must be/);
    });
  });
}
