import assert from 'node:assert/strict';
import { BranchFailure } from '@holdfast/protocol';
import { type BarrierCases, turns } from './harness.ts';

const MANY = 100;

/**
 * Many concurrent calls of one branch. A call that throws is repeated, as the coordinator does; in
 * the end every call has an outcome.
 */
export function raceCases({ describe, it }: BarrierCases): void {
  describe('calls at once', () => {
    it('a hundred equal ones have one effect', async ({ untilResponse, read }) => {
      const results = await Promise.all(Array.from({ length: MANY }, () => untilResponse('action', 3)));
      assert.equal(results.filter(({ ran }) => ran).length, 1);
      assert.equal(await read(), 3);
    });

    for (const [op, undo] of [
      ['action', 'compensate'],
      ['try', 'cancel'],
    ] as const) {
      it(`fifty of ${op} and fifty of ${undo} have both effects or none`, async ({ untilResponse, read }) => {
        const calls = Array.from({ length: MANY / 2 }, (_, index) =>
          index % 2 === 0
            ? [untilResponse(op, 3), untilResponse(undo, -3)]
            : [untilResponse(undo, -3), untilResponse(op, 3)],
        );
        const ran = (await Promise.all(calls.flat())).flatMap((result) => (result.ran ? [result.value] : []));
        assert.ok(ran.length === 0 || (ran.length === 2 && ran.includes(3) && ran.includes(-3)), `ran: ${ran.join()}`);
        assert.equal(await read(), 0);
      });
    }

    it('undos that meet the action midway have both effects or none', async (fixture) => {
      const { barrier, add, call, untilResponse, read } = fixture;
      let begun = (): void => {};
      let release = (): void => {};
      const [begins, released] = [new Promise<void>((go) => (begun = go)), new Promise<void>((go) => (release = go))];
      const action = barrier
        .run(call('action'), async (tx) => {
          await add(tx, 3);
          begun();
          await released;
        })
        .catch((thrown: unknown) => {
          // Where work is queued, an undo may overtake it.
          if (thrown instanceof BranchFailure) return { ran: false };
          throw thrown;
        });
      await begins;
      const undos = Array.from({ length: 5 }, () => untilResponse('compensate', -3));
      await turns(50);
      release();
      const undone = (await Promise.all(undos)).filter(({ ran }) => ran).length;
      assert.equal(undone, (await action).ran ? 1 : 0);
      assert.equal(await read(), 0);
    });

    it('of a hundred, most of whose work fails, one has its effect', async ({ barrier, add, call, read }) => {
      const tryOnce = async (index: number): Promise<boolean> => {
        const result = await barrier.run(call('action'), async (tx) => {
          await add(tx, 3);
          if (index % 10 !== 0) throw new BranchFailure('unlucky');
        });
        return result.ran;
      };
      const results = await Promise.allSettled(Array.from({ length: MANY }, (_, index) => tryOnce(index)));
      const ran = results.filter((result) => result.status === 'fulfilled' && result.value).length;
      assert.ok(ran <= 1, `${ran} calls had their effect`);
      assert.equal(await read(), 3 * ran);
      // A call that lost against others only still needs its outcome.
      const last = await tryOnce(0);
      assert.equal(ran + Number(last), 1);
      assert.equal(await read(), 3);
    });

    it('of different branches do not disturb each other', async ({ untilResponse, read }) => {
      const branches = Array.from({ length: MANY }, (_, index) => String(index).padStart(4, '0'));
      const results = await Promise.all(branches.map((branchId) => untilResponse('action', 1, branchId)));
      assert.ok(results.every(({ ran }) => ran));
      assert.equal(await read(), MANY);
    });
  });
}
