import assert from 'node:assert/strict';
import { STORE_LIMITS } from '@holdfast/core/store';
import { assertRejects, type Cases } from './harness.ts';
import { appendOf, insertOf, keyOf, read, updateOf, writeAll } from './items.ts';

/** Batches: each item succeeds or fails separately, and errors that reject all of them. */
export function batchCases({ it }: Cases): void {
  it('returns one outcome per item, in order, and items do not affect each other', async ({ store }) => {
    await writeAll(store, [insertOf('a'), insertOf('b', { status: 'prepared' }), insertOf('d')]);
    const outcomes = await store.write([
      updateOf('a', 7),
      insertOf('c'),
      updateOf('missing', 1),
      insertOf('b'),
      appendOf('d', ['entry']),
      appendOf('missing too', ['entry']),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['conflict', 'applied', 'missing', 'conflict', 'applied', 'missing'],
    );
    assert.equal((await read(store, 'c')).version, 1);
    assert.equal((await read(store, 'd')).version, 2);
  });

  it('takes an empty batch', async ({ store }) => {
    assert.deepEqual(await store.write([]), []);
  });

  it('takes a thousand items at once', async ({ store }) => {
    const gids = Array.from({ length: 1_000 }, (_, i) => `gid-${i}`);
    await writeAll(
      store,
      gids.map((gid) => insertOf(gid)),
    );
    await writeAll(
      store,
      gids.map((gid) => updateOf(gid, 1, { status: 'succeed' })),
    );
    const records = await store.get(gids.map((gid) => keyOf(gid)));
    assert.ok(records.every((record, i) => record?.key.gid === gids[i] && record?.version === 2));
  });

  it('rejects two items with the same key and applies neither', async ({ store }) => {
    await assertRejects(store.write([insertOf('b'), insertOf('a'), updateOf('a', 1)]), 'invalid');
    assert.deepEqual(await store.get([keyOf('a'), keyOf('b')]), [undefined, undefined]);
  });

  it('takes the same gid of two namespaces', async ({ store }) => {
    await writeAll(store, [insertOf(keyOf('a', 'one')), insertOf(keyOf('a', 'two'))]);
  });

  it('rejects a batch with an item that is too large, and applies none; its neighbours go alone', async ({ store }) => {
    const neighbours = [insertOf('a'), insertOf('c')];
    const impossible = insertOf('b', { definition: new Uint8Array(STORE_LIMITS.itemBytes) });
    await assertRejects(store.write([...neighbours, impossible]), 'rejected');
    assert.deepEqual(await store.get([keyOf('a'), keyOf('b'), keyOf('c')]), [undefined, undefined, undefined]);
    await assertRejects(store.write([impossible]), 'rejected');
    await writeAll(store, neighbours);
  });

  it('rejects a batch with more items than the limit', async ({ store }) => {
    const batch = Array.from({ length: STORE_LIMITS.batchItems + 1 }, (_, i) => insertOf(`gid-${i}`));
    await assertRejects(store.write(batch), 'invalid');
  });
}
