import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { appendOf, insertOf, keyOf, openSession, read, updateOf, writeAll } from './items.ts';

/** Finished transactions are deleted after the retention; unfinished ones never. */
export function purgeCases({ describe, it, manifest }: Cases): void {
  describe('purge', () => {
    it('deletes finished transactions and everything derived from them', async ({ store }) => {
      await writeAll(store, [insertOf('a', { attention: true }), insertOf('b')]);
      await writeAll(store, [appendOf('a', ['e 1', 'e 2'])]);
      await writeAll(store, [updateOf('a', 2, { status: 'succeed', attention: true })]);
      assert.equal(await store.purge({ olderThanMs: -1, limit: 10 }), 1);
      assert.deepEqual(await store.get([keyOf('a')]), [undefined]);
      const { items } = await store.list({ namespace: 'default', limit: 10 });
      assert.deepEqual(
        items.map((item) => item.key.gid),
        ['b'],
      );
      assert.deepEqual([(await store.count()).byStatus.succeed, (await store.count()).attention], [0, 0]);
      await writeAll(store, [insertOf('a')]);
      await writeAll(store, [appendOf('a', ['e 3'])]);
      const { entries } = await read(store, 'a');
      assert.deepEqual(
        entries.map((entry) => entry.key),
        ['e 3'],
        'a new transaction must not find old entries',
      );
    });

    it('never deletes what is unfinished', async ({ store }) => {
      const session = await openSession(store, 'session 1');
      await writeAll(store, [
        insertOf('prepared', { status: 'prepared' }),
        insertOf('submitted'),
        insertOf('aborting', { status: 'aborting' }),
        insertOf('parked', { dueInMs: null, attention: true }),
        insertOf('owned', { owner: session }),
      ]);
      assert.equal(await store.purge({ olderThanMs: -600_000, limit: 10 }), 0);
      assert.equal((await store.list({ namespace: 'default', limit: 10 })).items.length, 5);
    });

    it('keeps transactions that finished recently', async ({ store }) => {
      await writeAll(store, [insertOf('a', { status: 'failed' })]);
      assert.equal(await store.purge({ olderThanMs: 600_000, limit: 10 }), 0);
    });

    it('deletes in steps of its limit, in every namespace', async ({ store }) => {
      const keys = Array.from({ length: 25 }, (_, i) => keyOf(`gid-${i}`, `namespace ${i % 2}`));
      await writeAll(
        store,
        keys.map((key) => insertOf(key, { status: 'succeed' })),
      );
      const purged = [];
      for (let i = 0; i < 4; i++) purged.push(await store.purge({ olderThanMs: -1, limit: 10 }));
      assert.deepEqual(purged, [10, 10, 5, 0]);
      assert.ok((await store.get(keys)).every((record) => record === undefined));
      assert.equal((await store.count()).byStatus.succeed, 0);
    });

    it('deletes thousands at once', async ({ store }) => {
      const gids = Array.from({ length: 2_500 }, (_, i) => `gid-${i}`);
      await writeAll(
        store,
        gids.map((gid) => insertOf(gid, { status: 'succeed' })),
      );
      await writeAll(
        store,
        gids.slice(0, 100).map((gid) => appendOf(gid, ['e'], { whenStatus: ['succeed'] })),
      );
      assert.equal(await store.purge({ olderThanMs: -1, limit: 2_000 }), 2_000);
      assert.equal((await store.count()).byStatus.succeed, 500);
      assert.equal(await store.purge({ olderThanMs: -1, limit: 2_000 }), 500);
      assert.deepEqual((await store.list({ namespace: 'default', limit: 10 })).items, []);
    });

    if (manifest.controllableClock)
      it('purges by the time since finishing, oldest first', async ({ store, place }) => {
        await writeAll(store, [insertOf('old', { status: 'succeed' }), insertOf('long', { dueInMs: null })]);
        place.moveWallClock?.(5_000);
        await writeAll(store, [insertOf('new', { status: 'failed' }), updateOf('long', 1, { status: 'succeed' })]);
        place.moveWallClock?.(5_000);
        assert.equal(await store.purge({ olderThanMs: 10_000, limit: 10 }), 0);
        place.moveWallClock?.(1);
        assert.equal(await store.purge({ olderThanMs: 10_000, limit: 10 }), 1);
        assert.deepEqual(await store.get([keyOf('old')]), [undefined]);
        await writeAll(store, [updateOf('long', 2, { status: 'succeed' })]);
        place.moveWallClock?.(5_000);
        assert.equal(await store.purge({ olderThanMs: 10_000, limit: 1 }), 1);
        assert.equal(await store.purge({ olderThanMs: 10_000, limit: 10 }), 1);
        assert.deepEqual(await store.get([keyOf('long'), keyOf('new')]), [undefined, undefined]);
      });
  });
}
