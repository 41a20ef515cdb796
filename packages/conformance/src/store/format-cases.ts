import assert from 'node:assert/strict';
import type { Cases } from './harness.ts';
import { read, readable, updateOf, writeOne } from './items.ts';

/**
 * Two adjacent versions of Holdfast run side by side during a rolling restart: each reads what the
 * other wrote.
 */
export function formatCases({ describe, itAtNewPlace, manifest }: Cases): void {
  if (manifest.formats.length === 0) return;
  describe('stored formats', () => {
    for (const format of manifest.formats)
      itAtNewPlace(`reads, lists and changes what ${format.name} left`, async (place) => {
        const planted = await format.plant(place);
        assert.ok(planted.length > 0, 'the format has no record to read');
        const store = place.createStore();
        await store.open();
        try {
          for (const record of planted) {
            assert.deepEqual(readable(await read(store, record.key)), readable(record));
            const { items } = await store.list({ namespace: record.key.namespace, gid: record.key.gid, limit: 1 });
            assert.deepEqual(items.map(readable), [readable(record)]);
            const outcome = await writeOne(store, updateOf(record.key, record.version, { status: 'failed' }));
            assert.equal(outcome.kind, 'applied');
            assert.equal((await read(store, record.key)).version, record.version + 1);
          }
          assert.equal((await store.count()).byStatus.failed, planted.length);
          assert.equal(await store.purge({ olderThanMs: -1, limit: 1_000 }), planted.length);
        } finally {
          await store.close();
        }
      });
  });
}
