import assert from 'node:assert/strict';
import type { KeyValueId, Store } from '@holdfast/core/store';
import { assertRejects, type Cases } from './harness.ts';
import { insertOf, updateOf, writeAll } from './items.ts';

const id = (key: string, category = 'topics', namespace = 'default'): KeyValueId => ({ namespace, category, key });

async function scanAll(store: Store, limit: number, category = 'topics', namespace = 'default'): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.kvScan({ namespace, category, limit, ...(cursor === undefined ? {} : { cursor }) });
    assert.ok(page.items.length <= limit);
    found.push(...page.items.map((item) => item.key));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return found;
}

/** Versioned key-values. */
export function keyValueCases({ describe, it }: Cases): void {
  describe('key-values', () => {
    it('writes when the version is the expected one', async ({ store }) => {
      assert.equal(await store.kvPut(id('k'), 'one', 1), 'conflict');
      assert.equal(await store.kvPut(id('k'), 'one', 0), 'applied');
      assert.equal(await store.kvPut(id('k'), 'two', 0), 'conflict');
      const first = await store.kvGet(id('k'));
      assert.deepEqual([first?.value, first?.version, first?.updatedAtMs], ['one', 1, first?.createdAtMs]);
      assert.equal(await store.kvPut(id('k'), 'two \u00e9\ud83d\ude00\n', 1), 'applied');
      const second = await store.kvGet(id('k'));
      assert.deepEqual(
        [second?.namespace, second?.category, second?.key, second?.value, second?.version, second?.createdAtMs],
        ['default', 'topics', 'k', 'two \u00e9\ud83d\ude00\n', 2, first?.createdAtMs],
      );
    });

    it('applies one of two concurrent writes', async ({ store, secondNode }) => {
      const other = await secondNode();
      const results = await Promise.all([store.kvPut(id('k'), 'one', 0), other.kvPut(id('k'), 'two', 0)]);
      assert.deepEqual(results.toSorted(), ['applied', 'conflict']);
    });

    it('deletes when the version is the expected one', async ({ store }) => {
      assert.equal(await store.kvDelete(id('k'), 1), 'missing');
      await store.kvPut(id('k'), 'one', 0);
      assert.equal(await store.kvDelete(id('k'), 2), 'conflict');
      assert.equal(await store.kvDelete(id('k'), 1), 'applied');
      assert.equal(await store.kvGet(id('k')), undefined);
      assert.equal(await store.kvPut(id('k'), 'anew', 0), 'applied');
      assert.equal((await store.kvGet(id('k')))?.version, 1);
    });

    it('takes an empty value and a large one', async ({ store }) => {
      const large = 'x'.repeat(200_000);
      await store.kvPut(id('empty'), '', 0);
      await store.kvPut(id('large'), large, 0);
      assert.equal((await store.kvGet(id('empty')))?.value, '');
      assert.equal((await store.kvGet(id('large')))?.value, large);
    });

    it('pages through a category by key, and through nothing else', async ({ store }) => {
      const keys = Array.from({ length: 25 }, (_, i) => `key ${String(i * 7).padStart(3, '0')}`);
      for (const key of keys.toReversed()) await store.kvPut(id(key), 'v', 0);
      await store.kvPut(id('other', 'topics 2'), 'v', 0);
      await store.kvPut(id('other', 'topic'), 'v', 0);
      await store.kvPut(id('other', 'topics', 'default 2'), 'v', 0);
      for (const limit of [1, 10, 25, 100]) assert.deepEqual(await scanAll(store, limit), keys);
      assert.deepEqual(await scanAll(store, 10, 'topics 2'), ['other']);
      assert.deepEqual(await scanAll(store, 10, 'none'), []);
      await assertRejects(store.kvScan({ namespace: 'default', category: 'topics', limit: 1, cursor: '?' }), 'invalid');
    });

    it('rejects a cursor that no page has given, and one that holds what no gid can be', async ({ store }) => {
      await writeAll(store, [insertOf('a'), insertOf('b')]);
      for (const cursor of [
        '?',
        'zzzzzzzzzzz.a',
        `1.${'a'.repeat(1_000)}`,
        '1.a%00b',
        '1.%ED%A0%80',
        `1.${encodeURIComponent("' or true --")}%00`,
      ])
        await assertRejects(store.list({ namespace: 'default', limit: 1, cursor }), 'invalid');
      for (const cursor of ['?', 'k.a%00b', `k.${'a'.repeat(1_000)}`, 'k.%ED%A0%80'])
        await assertRejects(store.kvScan({ namespace: 'default', category: 'topic', limit: 1, cursor }), 'invalid');
    });

    it('rejects a version that is not a whole number, whatever its type is', async ({ store }) => {
      const topic = { namespace: 'default', category: 'topic', key: 'k' };
      assert.equal(await store.kvPut(topic, 'value', 0), 'applied');
      for (const version of ['1 or 1 = 1', '1', 1.5, -1, Number.NaN] as unknown as readonly number[]) {
        await assertRejects(store.kvPut(topic, 'other', version), 'invalid');
        await assertRejects(store.kvDelete(topic, version), 'invalid');
        await assertRejects(store.write([updateOf('a', version)]), 'invalid');
      }
      assert.equal((await store.kvGet(topic))?.value, 'value');
    });

    it('ends a page before the value that exceeds its bytes, and continues with that value', async ({ store }) => {
      const sizes = [200, 200, 200, 700, 100, 100];
      for (const [i, size] of sizes.entries()) await store.kvPut(id(`k${i}`), 'x'.repeat(size * 1_024), 0);
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const query = { namespace: 'default', category: 'topics', limit: 5, maxBytes: 500 * 1_024 };
        const page = await store.kvScan({ ...query, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.items.map(({ key }) => key));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(pages, [['k0', 'k1'], ['k2'], ['k3'], ['k4', 'k5']]);
    });

    it('bounds the bytes of a page by default, and rejects a limit that is not a positive integer', async ({
      store,
    }) => {
      for (const key of ['a', 'b', 'c']) await store.kvPut(id(key), '\u00e9'.repeat(800_000), 0);
      const page = await store.kvScan({ namespace: 'default', category: 'topics', limit: 100 });
      assert.deepEqual([page.items.map(({ key }) => key), page.next !== null], [['a', 'b'], true]);
      const query = { namespace: 'default', category: 'topics', limit: 1 };
      for (const maxBytes of [0, 1.5, Infinity]) await assertRejects(store.kvScan({ ...query, maxBytes }), 'invalid');
    });

    it('keeps keys apart that begin alike', async ({ store }) => {
      const keys = ['a', 'a\u0001', 'a:', 'aa', 'a/b', 'A', '\u00e9', 'e\u0301'];
      for (const key of keys) assert.equal(await store.kvPut(id(key), key, 0), 'applied');
      for (const key of keys) assert.equal((await store.kvGet(id(key)))?.value, key);
      assert.deepEqual((await scanAll(store, 3)).toSorted(), keys.toSorted());
    });
  });
}
