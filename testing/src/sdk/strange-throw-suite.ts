import { BranchFailure } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { BranchCallContext } from '@holdfast/client';
import { STRANGE_VALUES } from '../strange-values.ts';
import type { SdkHarness } from './harness.ts';
import { type Reservation, seats, theatre, thrownBy } from './theatre.ts';

/** The same for each of the values. */
const forEachValue = <T>(result: T) => STRANGE_VALUES.map(([what]) => [what, result]);

/** Code of the application that throws a value that cannot be inspected. */
export function strangeThrowSuite(harness: SdkHarness): void {
  describe('a thrown value that cannot be inspected', () => {
    it('of an action is an unclear result, and the action is called again', async () => {
      const calls = new Map<string, number>();
      const action = ({ payload: at }: BranchCallContext<number>) => {
        const [what, value] = STRANGE_VALUES[at] ?? ['', () => undefined];
        calls.set(what, (calls.get(what) ?? 0) + 1);
        if (calls.get(what) === 1) throw value();
      };
      const { hf, branches } = await harness.start({ action });
      const sagas = STRANGE_VALUES.map((_, payload) =>
        hf.saga().step({ action: branches.action, compensate: null, payload }).submit({ wait: true }),
      );
      await Promise.all(sagas);
      expect(STRANGE_VALUES.map(([what]) => [what, calls.get(what)])).toEqual(forEachValue(2));
    });

    it('of the work, a try or a parser of a tcc cancels it', async () => {
      let thrown: () => unknown = () => undefined;
      const strange = (): never => {
        throw thrown();
      };
      const { notes, branches } = theatre();
      const broken = (_call: BranchCallContext<Reservation>) => strange();
      const { hf, branches: b } = await harness.start({ ...branches, broken });
      const ways = [
        () => hf.tcc(strange),
        () => hf.tcc(async (tx) => void (await tx.call({ ...seats(b, 1), try: b.broken }))),
        () => hf.tcc((tx) => tx.call({ ...seats(b, 1), parse: strange })),
      ];
      const failures: unknown[] = [];
      for (const [what, value] of STRANGE_VALUES) {
        thrown = value;
        const codes: unknown[] = [];
        for (const way of ways) codes.push(((await thrownBy(way())) as { readonly code?: unknown } | undefined)?.code);
        failures.push([what, codes]);
      }
      expect(failures).toEqual(forEachValue(['transaction_failed', 'transaction_failed', 'transaction_failed']));
      expect(notes.filter((each) => each.startsWith('confirm'))).toEqual([]);
    });

    it('of a step, an undo or the code of a workflow is an unclear result, and the code runs again', async () => {
      const runs = new Map<string, number>();
      const { hf, workflowOptions } = await harness.start({}, { waitTimeoutMs: 55_000 });
      const order = hf.workflow('order', { version: 1, ...workflowOptions }, async (flow, at: number) => {
        const [, value] = STRANGE_VALUES[at] ?? ['', () => undefined];
        const once = (part: string): void => {
          const runsBefore = runs.get(`${at} ${part}`) ?? 0;
          runs.set(`${at} ${part}`, runsBefore + 1);
          if (runsBefore === 0) throw value();
        };
        await flow.step('debit', { run: () => once('step'), undo: () => once('undo') });
        once('code');
        throw new BranchFailure('sold out');
      });
      // One after the other: a callback that comes while the code still runs starts it once more.
      const failures: unknown[] = [];
      for (const at of STRANGE_VALUES.keys()) failures.push(await thrownBy(order.run(at, { wait: true })));
      const seen = STRANGE_VALUES.map(([what], at) => [
        what,
        [(failures[at] as Error | undefined)?.name, runs.get(`${at} step`), runs.get(`${at} undo`)],
      ]);
      expect(seen).toEqual(forEachValue(['TransactionFailed', 2, 2]));
    });
  });
}
