import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { appendOf, insertOf, keyOf, openSession, read, updateOf, writeAll } from './items.ts';

/**
 * Records with a status or pattern of a later version, whose nodes run beside this one during a
 * rolling upgrade.
 */
export function laterVersionCases({ describe, it, manifest }: Cases): void {
  if (manifest.exclusive || !manifest.durable) return;
  describe('records of a later version', () => {
    it('are not claimed, and are not waited for', async ({ store, place }) => {
      const session = await openSession(store, 'session 1');
      await writeAll(
        store,
        ['a', 'b', 'c', 'd'].map((gid, i) => insertOf(gid, { dueInMs: -9_000 + i })),
      );
      await place.setWords?.('a', { status: 'paused' });
      await place.setWords?.('c', { pattern: 'choreography' });
      const first = await store.claimDue({ session, limit: 10, groups: [] });
      assert.deepEqual(
        first.claimed.map(({ key }) => key.gid),
        ['b', 'd'],
      );
      assert.equal((await store.claimDue({ session, limit: 10, groups: [] })).nextDueInMs, null);
      for (const gid of ['a', 'c']) {
        const { owner, version, unreadable } = await read(store, gid);
        assert.deepEqual([owner, version], [null, 1]);
        assert.match(unreadable ?? '', /which this version of Holdfast does not know/);
      }
      await place.setWords?.('a', { status: 'submitted' });
      const second = await store.claimDue({ session, limit: 10, groups: [] });
      assert.deepEqual(
        second.claimed.map(({ key, unreadable }) => [key.gid, unreadable]),
        [['a', undefined]],
      );
    });

    it('are listed and read among others', async ({ store, place }) => {
      await writeAll(store, [insertOf('a'), insertOf('b', { pattern: 'tcc' }), insertOf('c')]);
      await place.setWords?.('b', { status: 'paused' });
      for (const summary of [false, true]) {
        const { items } = await store.list({ namespace: 'default', limit: 10, summary });
        assert.deepEqual(items.map(({ key }) => key.gid).toSorted(), ['a', 'b', 'c']);
        const found = items.find(({ key }) => key.gid === 'b');
        assert.match(found?.unreadable ?? '', /the status "paused"/);
        assert.equal(found?.pattern, 'tcc');
      }
      const records = await store.get(['a', 'b', 'c'].map((gid) => keyOf(gid)));
      assert.deepEqual(
        records.map((record) => record?.unreadable === undefined),
        [true, false, true],
      );
      assert.deepEqual(await store.versions([keyOf('b')]), [1]);
    });

    it('are not written, and do not hinder the other items of a batch', async ({ store, place }) => {
      await writeAll(store, [insertOf('a'), insertOf('b'), insertOf('c'), insertOf('d')]);
      await place.setWords?.('b', { status: 'paused' });
      await place.setWords?.('d', { status: 'paused' });
      const outcomes = await store.write([
        updateOf('a', 1),
        insertOf('b'),
        appendOf('c', ['e']),
        appendOf('d', ['e']),
        insertOf('e'),
      ]);
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['applied', 'conflict', 'applied', 'conflict', 'applied'],
      );
      assert.equal((await read(store, 'd')).entries.length, 0);
    });

    for (const words of [{ status: 'paused' }, { pattern: 'choreography' }])
      it(`with another ${Object.keys(words)[0]} are judged by version and write ID: a write conflicts at once, and one that was applied before is recognised`, async ({
        store,
        place,
      }) => {
        const inserted = insertOf('a', { pattern: 'workflow' });
        const update = updateOf('b', 1);
        await writeAll(store, [inserted, insertOf('b'), insertOf('c'), insertOf('d'), insertOf('e')]);
        await writeAll(store, [update]);
        for (const gid of ['a', 'b', 'c', 'd']) await place.setWords?.(gid, words);
        const append = appendOf('d', ['e'], { whenStatus: ['prepared', 'submitted', 'aborting'] });
        const outcomes = await store.write([inserted, update, updateOf('c', 1), append, updateOf('e', 1)]);
        assert.deepEqual(
          outcomes.map(({ kind }) => kind),
          ['applied', 'applied', 'conflict', 'conflict', 'applied'],
        );
        assert.deepEqual(await store.versions(['a', 'b', 'c', 'd', 'e'].map((gid) => keyOf(gid))), [1, 2, 1, 1, 2]);
        assert.deepEqual(
          (await store.write([updateOf('c', 1, { status: 'succeed' })])).map(({ kind }) => kind),
          ['conflict'],
        );
      });
  });

  describe('a later version that adds a column while this one runs', () => {
    it('changes nothing: every call still succeeds', async ({ store, place }) => {
      const session = await openSession(store, 'session 1');
      const topic = { namespace: 'default', category: 'topic', key: 'k' };
      const everyCall = async (round: number): Promise<void> => {
        const [a, b, c] = ['a', 'b', 'c'].map((name) => `${name}${round}`) as [string, string, string];
        await writeAll(store, [insertOf(a, { dueInMs: -1 }), insertOf(b, { dueInMs: 60_000 })]);
        await writeAll(store, [updateOf(b, 1, { dueInMs: 60_000 }), appendOf(a, ['e']), insertOf(c)]);
        assert.equal((await store.write([updateOf(c, 7), appendOf(a, ['e'])]))[0]?.kind, 'conflict');
        assert.equal((await read(store, a)).entries.length, 1);
        assert.deepEqual(await store.versions([keyOf(b)]), [2]);
        const gids = (await store.list({ namespace: 'default', limit: 3 })).items.map(({ key }) => key.gid);
        assert.deepEqual(gids.toSorted(), [a, b, c]);
        assert.equal((await store.list({ namespace: 'default', limit: 3, summary: true })).items.length, 3);
        assert.ok((await store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10 })).count > 0);
        const { claimed } = await store.claimDue({ session, limit: 10, groups: [] });
        assert.deepEqual(claimed.map(({ key }) => key.gid).toSorted(), [a, b, c]);
        await writeAll(
          store,
          claimed.map(({ key, version }) => updateOf(key, version, { status: 'succeed' })),
        );
        assert.equal((await store.count()).byStatus.succeed, 3 * round);
        assert.equal(await store.kvPut({ ...topic, key: `k${round}` }, 'value', 0), 'applied');
        assert.equal(await store.kvPut({ ...topic, key: `k${round}` }, 'other', 1), 'applied');
        assert.equal((await store.kvGet({ ...topic, key: `k${round}` }))?.value, 'other');
        assert.equal((await store.kvScan({ ...topic, limit: 10 })).items.length, 1);
        assert.equal(await store.kvDelete({ ...topic, key: `k${round}` }, 2), 'applied');
        assert.ok((await store.heartbeat(session)).alive);
        assert.equal((await store.sessions()).length, 1);
        await store.takeOver({ silenceMs: 60_000, keep: session, limit: 10 });
        await store.purge({ olderThanMs: 60_000, limit: 10 });
        assert.ok((await store.nowMs()) > 0);
      };
      // Twice, in case the store driver or the database prepares statements.
      for (let round = 1; round <= 2; round++) {
        place.passTime?.(1);
        await everyCall(round);
      }
      await place.addColumns?.();
      place.passTime?.(1);
      await everyCall(3);
    });
  });
}
