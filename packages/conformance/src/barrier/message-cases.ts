import assert from 'node:assert/strict';
import { assertRefused, type BarrierCases, type BarrierFixture } from './harness.ts';

const MANY = 50;

/** The local transaction of a message, and the check-back about its outcome. */
export function messageCases({ describe, it }: BarrierCases): void {
  describe('messages', () => {
    it('a local transaction that was committed is found committed', async ({ barrier, add, gid, read }) => {
      const sent = await barrier.message(gid, async (tx) => {
        await add(tx, 3);
        return 'value of the work';
      });
      assert.equal(sent, 'value of the work');
      assert.deepEqual([await barrier.checkBack(gid), await barrier.checkBack(gid)], ['committed', 'committed']);
      assert.equal(await read(), 3);
    });

    it('after a check-back that found nothing it can never be committed', async ({ barrier, add, gid, read }) => {
      assert.equal(await barrier.checkBack(gid), 'refused');
      await assertRefused(barrier.message(gid, (tx) => add(tx, 3)));
      assert.equal(await barrier.checkBack(gid), 'refused');
      assert.equal(await read(), 0);
    });

    it('is committed once under one gid', async ({ barrier, add, gid, read }) => {
      await barrier.message(gid, (tx) => add(tx, 3));
      await assertRefused(barrier.message(gid, (tx) => add(tx, 3)));
      assert.equal(await barrier.checkBack(gid), 'committed');
      assert.equal(await read(), 3);
    });

    it('an error of the work is rethrown, and nothing is stored', async ({ barrier, add, gid, read }) => {
      const why = new Error('not today');
      const sent = barrier.message(gid, async (tx) => {
        await add(tx, 3);
        throw why;
      });
      await assert.rejects(sent, (thrown) => thrown === why);
      assert.equal(await read(), 0);
      assert.equal(await barrier.checkBack(gid), 'refused');
    });

    it('does not mistake a step of the message for its local transaction', async ({ barrier, gid }) => {
      const step = { gid, transType: 'msg', branchId: '01', op: 'action' } as const;
      assert.equal((await barrier.run(step, () => 0)).ran, true);
      assert.equal(await barrier.checkBack(gid), 'refused');
    });

    it('a check-back agrees with the outcome of a local transaction that runs at the same time', async (fixture) => {
      const races = Array.from({ length: MANY }, (_, index) =>
        race(fixture, `${fixture.gid}-${index}`, index % 2 === 0),
      );
      const committed = (await Promise.all(races)).filter(Boolean).length;
      assert.equal(await fixture.read(), committed);
    });
  });
}

/**
 * Returns whether the local transaction was committed, on which barrier and check-back must agree.
 * A transaction that lost against those of other messages was not.
 */
async function race<Tx>({ barrier, add }: BarrierFixture<Tx>, gid: string, checkFirst: boolean): Promise<boolean> {
  const check = () => Promise.all([barrier.checkBack(gid), barrier.checkBack(gid)]);
  const send = () =>
    barrier
      .message(gid, (tx) => add(tx, 1))
      .then(
        () => 'committed',
        () => 'refused',
      );
  const checking = checkFirst ? check() : undefined;
  const sent = send();
  const [first, second] = await (checking ?? check());
  const outcome = await sent;
  assert.deepEqual([first, second], [outcome, outcome], gid);
  return outcome === 'committed';
}
