import assert from 'node:assert/strict';
import type { Store } from '@holdfast/core/store';
import { assertRejects, type Cases } from './harness.ts';
import { insertOf, keyOf, read, readable, writeAll, writeOne } from './items.ts';

/** Opening, closing, and what holds across both. */
export function lifeCycleCases({ describe, it, itAtNewPlace, manifest }: Cases): void {
  describe('opening and closing', () => {
    it('declares the capabilities of its manifest', async ({ store }) => {
      assert.equal(store.capabilities.durable, manifest.durable);
      assert.equal(store.capabilities.exclusive, manifest.exclusive);
    });

    it('rejects every call before it is open', async ({ place }) => {
      for (const call of everyCall(place.createStore())) await assertRejects(call, 'closed');
    });

    it('rejects every call after it was closed', async ({ store }) => {
      await store.close();
      for (const call of everyCall(store)) await assertRejects(call, 'closed');
    });

    itAtNewPlace('returns the schema version that it found and the one that it left', async (place) => {
      const first = place.createStore();
      const created = await first.open();
      assert.equal(created.found, 0, 'nothing was there');
      assert.ok(created.current >= 1);
      assert.deepEqual(await first.open(), created, 'it is open already');
      await first.close();
      if (!manifest.durable) return;
      const second = place.createStore();
      assert.deepEqual(await second.open(), { found: created.current, current: created.current });
      await second.close();
    });

    it('may be closed twice', async ({ store }) => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    it('closing waits for the writes in progress', async ({ store }) => {
      const writes = Array.from({ length: 20 }, (_, i) => writeOne(store, insertOf(`gid-${i}`)));
      await store.close();
      const outcomes = await Promise.all(writes);
      assert.ok(outcomes.every((outcome) => outcome.kind === 'applied'));
    });

    if (manifest.durable)
      it('finds all its data when it is opened again', async ({ store, reopen }) => {
        await writeAll(store, [insertOf('a'), insertOf('b', { status: 'prepared', dueInMs: 60_000, attention: true })]);
        await store.kvPut({ namespace: 'n', category: 'topics', key: 'k' }, 'value', 0);
        const [before, counts] = [readable(await read(store, 'b')), await store.count()];
        const again = await reopen();
        assert.deepEqual(readable(await read(again, 'b')), before);
        assert.deepEqual(await again.count(), counts);
        assert.equal((await again.kvGet({ namespace: 'n', category: 'topics', key: 'k' }))?.value, 'value');
      });

    if (manifest.exclusive)
      it('locks its data: a second store cannot open it', async ({ store, place }) => {
        const second = place.createStore();
        await assertRejects(second.open(), 'locked');
        assert.equal((await writeOne(store, insertOf('a'))).kind, 'applied', 'the first must not be disturbed');
        await store.close();
        await second.open();
        await second.close();
      });
  });
}

const id = { namespace: 'n', category: 'c', key: 'k' };
const everyCall = (store: Store): Promise<unknown>[] => [
  store.write([insertOf('a')]),
  store.get([keyOf('a')]),
  store.versions([keyOf('a')]),
  store.list({ namespace: 'n', limit: 1 }),
  store.count(),
  store.claimDue({ session: 's', limit: 1, groups: [] }),
  store.makeDue({ namespace: 'n', laterThanMs: 0, limit: 1 }),
  store.openSession('s', { node: 'n', version: '1' }),
  store.heartbeat('s'),
  store.endSession('s'),
  store.takeOver({ silenceMs: 0, keep: 's', limit: 1 }),
  store.sessions(),
  store.kvGet(id),
  store.kvPut(id, 'v', 0),
  store.kvDelete(id, 1),
  store.kvScan({ namespace: 'n', category: 'c', limit: 1 }),
  store.purge({ olderThanMs: 0, limit: 1 }),
  store.nowMs(),
];
