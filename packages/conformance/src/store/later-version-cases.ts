import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { appendOf, insertOf, keyOf, openSession, read, updateOf, writeAll } from './items.ts';

/** Records with a status or a pattern of a later version, whose nodes run beside this one while an upgrade rolls. */
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
}
