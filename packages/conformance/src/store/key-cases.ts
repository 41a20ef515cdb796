import assert from 'node:assert/strict';
import { STORE_LIMITS } from '@holdfast/core/store';
import { LIMITS, type TransactionKey } from '@holdfast/protocol';
import { assertRejects, type Cases } from './harness.ts';
import { appendOf, bytes, insertOf, keyOf, read, readable, textOf, updateOf, writeAll, writeOne } from './items.ts';

/** Texts that end where another begins, or that some databases treat specially. */
const ODD_TEXTS = [
  'x-4',
  'x-48',
  'x-4:',
  'x-4-01',
  'x-4/01',
  'x',
  'x\u0001',
  'x\u0001y',
  'x ',
  ' x',
  'X-4',
  'x%',
  'x_',
  "x'; drop table transactions; --",
  'x"\\',
  'x{4}',
  'x:*',
  'x\n',
  'x\r\n',
  'x\t',
  'x\u007f',
  'x\u00e9',
  'xe\u0301',
  'x\u00ff',
  'x\u0100',
  'x\u2028',
  'x\uffff',
  'x\ufffd',
  'x\ud83d\ude00',
  'x\ud83d\ude00y',
  '\u540d\u524d',
  '../x',
  '0',
  '-1',
  'null',
  '__proto__',
  'constructor',
];

/** A character of three bytes in UTF-8, the most that one unit can take. */
const WIDE = '\u8a9e';

/** Keys are compared whole, whatever they contain. */
export function keyCases({ describe, it }: Cases): void {
  describe('keys', () => {
    it('keeps transactions apart whose gids begin alike', async ({ store }) => {
      await writeAll(
        store,
        ODD_TEXTS.map((gid) => insertOf(gid, { state: bytes(`state of ${gid}`) })),
      );
      await writeAll(
        store,
        ODD_TEXTS.map((gid) => appendOf(gid, [{ key: 'branch', body: bytes(`entry of ${gid}`) }])),
      );
      const records = await store.get(ODD_TEXTS.map((gid) => keyOf(gid)));
      for (const [i, gid] of ODD_TEXTS.entries()) {
        const record = records[i];
        assert.equal(record?.key.gid, gid);
        assert.equal(textOf(record.state), `state of ${gid}`);
        assert.deepEqual(
          record.entries.map((entry) => textOf(entry.body)),
          [`entry of ${gid}`],
        );
      }
    });

    it('deletes one transaction without touching those whose gids begin alike', async ({ store }) => {
      await writeAll(store, [insertOf('x-4', { status: 'succeed' }), insertOf('x-48'), insertOf('x-')]);
      await writeAll(store, [appendOf('x-48', ['01', '02']), appendOf('x-', ['8'])]);
      assert.equal(await store.purge({ olderThanMs: -1, limit: 10 }), 1);
      assert.deepEqual(
        (await read(store, 'x-48')).entries.map((entry) => entry.key),
        ['01', '02'],
      );
      assert.equal((await read(store, 'x-')).entries.length, 1);
      assert.deepEqual(await store.get([keyOf('x-4')]), [undefined]);
    });

    it('distinguishes namespaces, also where namespace and gid concatenate to the same text', async ({ store }) => {
      const keys: TransactionKey[] = [
        keyOf('b/c', 'a'),
        keyOf('c', 'a/b'),
        keyOf('bc', 'a'),
        keyOf('c', 'ab'),
        keyOf('\u0001c', 'ab'),
        keyOf('c', 'ab\u0001'),
        keyOf('a', 'A'),
        keyOf('a', 'a'),
      ];
      await writeAll(
        store,
        keys.map((key, i) => insertOf(key, { state: bytes(`${i}`) })),
      );
      const records = await store.get(keys);
      assert.deepEqual(
        records.map((record) => [record?.key, textOf(record?.state ?? bytes(''))]),
        keys.map((key, i) => [key, `${i}`]),
      );
      assert.equal((await store.list({ namespace: 'a', limit: 10 })).items.length, 3);
    });

    it('lists and claims under the texts that it was given', async ({ store }) => {
      await store.openSession('session 1', { node: 'suite', version: '1' });
      await writeAll(
        store,
        ODD_TEXTS.map((gid) => insertOf(gid, { group: gid, dueInMs: -1 })),
      );
      const { items } = await store.list({ namespace: 'default', limit: 1_000 });
      assert.deepEqual(items.map((item) => item.key.gid).toSorted(), ODD_TEXTS.toSorted());
      for (const group of ODD_TEXTS) {
        const { claimed } = await store.claimDue({ session: 'session 1', limit: 1_000, groups: [group] });
        assert.deepEqual(
          claimed.map((record) => record.key.gid),
          [group],
        );
      }
    });

    it('keeps entries, key-values and sessions apart whose names are alike', async ({ store }) => {
      await writeAll(store, [insertOf('a')]);
      await writeAll(store, [appendOf('a', ODD_TEXTS)]);
      assert.deepEqual(
        (await read(store, 'a')).entries.map(({ key }) => key),
        ODD_TEXTS,
      );
      for (const namespace of ['default', 'x', 'x ', 'X'])
        for (const key of ODD_TEXTS)
          assert.equal(await store.kvPut({ namespace, category: 'topics', key }, `${namespace}/${key}`, 0), 'applied');
      for (const namespace of ['default', 'x', 'x ', 'X'])
        for (const key of ODD_TEXTS)
          assert.equal((await store.kvGet({ namespace, category: 'topics', key }))?.value, `${namespace}/${key}`);
      for (const session of ODD_TEXTS) await store.openSession(session, { node: session, version: '1' });
      await store.endSession('x');
      const living = (await store.sessions()).map(({ session }) => session);
      assert.deepEqual(living.toSorted(), ODD_TEXTS.filter((text) => text !== 'x').toSorted());
    });

    it('takes keys of the greatest length', async ({ store }) => {
      const key = keyOf(WIDE.repeat(LIMITS.gidLength), WIDE.repeat(LIMITS.namespaceLength));
      const entry = WIDE.repeat(STORE_LIMITS.entryKeyLength);
      const group = WIDE.repeat(STORE_LIMITS.groupLength);
      const owner = WIDE.repeat(STORE_LIMITS.sessionLength);
      await writeAll(store, [insertOf(key, { group, writeId: WIDE.repeat(STORE_LIMITS.writeIdLength) })]);
      await writeAll(store, [appendOf(key, [entry])]);
      await writeAll(store, [updateOf(key, 2, { owner })]);
      const record = await read(store, key);
      assert.deepEqual([record.key, record.owner, record.group, record.entries[0]?.key], [key, owner, group, entry]);
      const id = {
        namespace: key.namespace,
        category: WIDE.repeat(STORE_LIMITS.categoryLength),
        key: WIDE.repeat(STORE_LIMITS.keyLength),
      };
      assert.equal(await store.kvPut(id, 'v', 0), 'applied');
      assert.equal((await store.kvGet(id))?.key, id.key);
    });

    it('rejects keys that it could not distinguish', async ({ store }) => {
      const refused = ['', 'a\0b', '\ud800', 'a\udc00b', 'g'.repeat(LIMITS.gidLength + 1)];
      for (const gid of refused) {
        await assertRejects(store.write([insertOf(gid)]), 'invalid');
        await assertRejects(store.get([keyOf(gid)]), 'invalid');
      }
      await assertRejects(store.write([insertOf(keyOf('a', ''))]), 'invalid');
      await writeAll(store, [insertOf('a')]);
      const long = 'e'.repeat(STORE_LIMITS.entryKeyLength + 1);
      for (const entry of ['', 'a\0', long]) await assertRejects(store.write([appendOf('a', [entry])]), 'invalid');
    });
  });

  describe('values', () => {
    it('stores every byte, and nothing at all', async ({ store }) => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const none = new Uint8Array(0);
      await writeAll(store, [
        insertOf('all', { definition: all, state: all }),
        insertOf('none', { definition: none, state: none }),
      ]);
      await writeAll(store, [
        appendOf('all', [
          { key: 'e', body: all },
          { key: 'empty', body: none },
        ]),
        updateOf('none', 1, { state: all }),
      ]);
      const [stored, empty] = await store.get([keyOf('all'), keyOf('none')]);
      for (const body of [stored?.definition, stored?.state, stored?.entries[0]?.body, empty?.state])
        assertBytes(body, all);
      for (const body of [stored?.entries[1]?.body, empty?.definition]) assertBytes(body, none);
    });

    it('stores large values beside small ones', async ({ store }) => {
      const large = new Uint8Array(3 * 1024 * 1024).map((_, i) => (i * 31 + (i >> 8)) % 251);
      await writeAll(store, [insertOf('small'), insertOf('large', { definition: large }), insertOf('small too')]);
      await writeAll(store, [updateOf('large', 1, { state: large }), updateOf('small', 1)]);
      await writeAll(store, [appendOf('large', [{ key: 'e', body: large }])]);
      const record = await read(store, 'large');
      for (const body of [record.definition, record.state, record.entries[0]?.body]) assertBytes(body, large);
      assert.equal(readable(await read(store, 'small'))['state'], 'state 2');
      const maxBytes = STORE_LIMITS.longestResponseBytes;
      assert.equal((await store.list({ namespace: 'default', limit: 10, maxBytes })).items.length, 3);
    });

    it('does not read the given bytes after the call has resolved', async ({ store }) => {
      const item = insertOf('a', { definition: bytes('definition'), state: bytes('state') });
      const append = appendOf('a', [{ key: 'e', body: bytes('entry') }]);
      await writeOne(store, item);
      await writeOne(store, append);
      for (const given of [item.definition, item.state, append.entries[0]?.body]) given?.fill(0);
      const record = readable(await read(store, 'a'));
      assert.deepEqual(
        [record['definition'], record['state'], record['entries']],
        ['definition', 'state', [{ key: 'e', body: 'entry' }]],
      );
    });

    it('returns records that later reads and writes do not change', async ({ store }) => {
      await writeAll(store, [insertOf('a', { state: bytes('before') }), insertOf('b')]);
      const record = await read(store, 'a');
      await writeAll(store, [updateOf('a', 1, { state: bytes('after!') })]);
      await store.get([keyOf('b'), keyOf('a')]);
      assert.equal(textOf(record.state), 'before');
    });
  });
}

/** Compares bytes only, since store drivers may return Buffers. */
function assertBytes(body: Uint8Array | undefined, expected: Uint8Array): void {
  assert.ok(body !== undefined && Buffer.compare(body, expected) === 0, `${body?.length} bytes came back changed`);
}
