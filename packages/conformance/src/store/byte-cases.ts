import assert from 'node:assert/strict';
import { STORE_LIMITS, type Store, type StoredTransaction } from '@holdfast/core/store';
import { assertRejects, type Cases } from './harness.ts';
import { appendOf, insertOf, openSession, read, readable, writeAll } from './items.ts';

const KIB = 1024;
const SLOW_MS = 60_000;

const bodyOf = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7);
const bytesOf = ({ definition, state, entries }: StoredTransaction): number =>
  entries.reduce((sum, { body }) => sum + body.length, definition.length + state.length);
const sumOf = (records: readonly StoredTransaction[]): number =>
  records.reduce((sum, record) => sum + bytesOf(record), 0);
const gidsOf = (records: readonly StoredTransaction[]): string[] => records.map((record) => record.key.gid);

/** The records of every page of a namespace. */
async function pagesOf(
  store: Store,
  query: { readonly maxBytes?: number; readonly summary?: boolean; readonly attention?: boolean },
): Promise<StoredTransaction[][]> {
  const pages: StoredTransaction[][] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await store.list({
      namespace: 'default',
      limit: 100,
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push([...items]);
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

/** Pages and claims are bounded in bytes as well as in records. */
export function byteCases({ describe, it }: Cases): void {
  describe('bounds in bytes', () => {
    it('ends a page before the record that exceeds its bytes, and continues with that record', async ({ store }) => {
      const gids = Array.from({ length: 12 }, (_, i) => `gid-${i}`);
      await writeAll(
        store,
        gids.map((gid) => insertOf(gid, { definition: bodyOf(20 * KIB), state: bodyOf(10 * KIB) })),
      );
      await writeAll(
        store,
        gids.slice(0, 6).map((gid) => appendOf(gid, [{ key: 'e', body: bodyOf(30 * KIB) }])),
      );
      const pages = await pagesOf(store, { maxBytes: 100 * KIB });
      for (const page of pages) assert.ok(sumOf(page) <= 100 * KIB, `a page has ${sumOf(page)} bytes`);
      assert.deepEqual(gidsOf(pages.flat()).toSorted(), gids.toSorted());
      assert.ok(pages.length <= 8, `${pages.length} pages for 540 KiB in records of at most 60 KiB`);
    });

    it('lists a record that is larger than the bound, alone', async ({ store }) => {
      await writeAll(store, [
        insertOf('large 1', { definition: bodyOf(50 * KIB) }),
        insertOf('large 2', { definition: bodyOf(50 * KIB) }),
        insertOf('small'),
      ]);
      const pages = await pagesOf(store, { maxBytes: 10 * KIB });
      assert.deepEqual(gidsOf(pages.flat()).toSorted(), ['large 1', 'large 2', 'small']);
      for (const page of pages) assert.ok(page.length <= 1 || sumOf(page) <= 10 * KIB);
    });

    it(
      'bounds the bytes of a page and of a claim by default',
      async ({ store }) => {
        const session = await openSession(store, 'session 1');
        const most = STORE_LIMITS.responseBytes;
        const gids = Array.from({ length: 6 }, (_, i) => `gid-${i}`);
        for (const gid of gids) await writeAll(store, [insertOf(gid, { definition: bodyOf(most / 4), dueInMs: -1 })]);
        const pages = await pagesOf(store, {});
        assert.equal(pages.flat().length, gids.length);
        for (const page of pages) assert.ok(sumOf(page) <= most, `a page has ${sumOf(page)} bytes`);
        const { claimed, nextDueInMs } = await store.claimDue({ session, limit: 100, groups: [] });
        assert.ok(sumOf(claimed) <= most, `a claim has ${sumOf(claimed)} bytes`);
        assert.deepEqual([claimed.length, nextDueInMs], [3, 0]);
      },
      SLOW_MS,
    );

    it('lists summaries without definitions and entries, and counts only the bytes that it lists', async ({
      store,
    }) => {
      const gids = Array.from({ length: 5 }, (_, i) => `gid-${i}`);
      await writeAll(
        store,
        gids.map((gid) => insertOf(gid, { definition: bodyOf(50 * KIB), attention: true })),
      );
      await writeAll(
        store,
        gids.map((gid) => appendOf(gid, [{ key: 'e', body: bodyOf(50 * KIB) }])),
      );
      for (const filter of [{}, { attention: true }]) {
        const [page, ...others] = await pagesOf(store, { ...filter, summary: true, maxBytes: 10 * KIB });
        assert.deepEqual(others, []);
        assert.deepEqual(gidsOf(page ?? []).toSorted(), gids);
        for (const record of page ?? []) {
          const whole = readable(await read(store, record.key));
          assert.deepEqual(readable(record), { ...whole, definition: '', entries: [] });
        }
      }
      const found = await store.list({ namespace: 'default', gid: 'gid-1', limit: 1, summary: true });
      assert.deepEqual(
        found.items.map(({ definition, entries }) => [definition.length, entries.length]),
        [[0, 0]],
      );
    });

    it('ends a claim before the record that exceeds its bytes, leaves that one due, and takes at least one', async ({
      store,
    }) => {
      const session = await openSession(store, 'session 1');
      const gids = Array.from({ length: 8 }, (_, i) => `gid-${i}`);
      await writeAll(
        store,
        gids.map((gid, i) => insertOf(gid, { definition: bodyOf(30 * KIB), dueInMs: -9_000 + i })),
      );
      await writeAll(store, [
        appendOf('gid-0', [{ key: 'e', body: bodyOf(60 * KIB) }]),
        appendOf('gid-3', [{ key: 'e', body: bodyOf(200 * KIB) }]),
      ]);
      const taken: string[][] = [];
      for (;;) {
        const before = await store.list({ namespace: 'default', limit: 100 });
        const result = await store.claimDue({ session, limit: 10, groups: [], maxBytes: 100 * KIB });
        if (result.claimed.length === 0) break;
        taken.push(gidsOf(result.claimed));
        assert.ok(result.claimed.length === 1 || sumOf(result.claimed) <= 100 * KIB);
        const left = before.items.filter(
          ({ owner, key }) => owner === null && !gidsOf(result.claimed).includes(key.gid),
        );
        assert.equal(result.nextDueInMs, left.length > 0 ? 0 : null);
        for (const { key } of left) assert.equal((await read(store, key)).owner, null);
      }
      assert.deepEqual(taken, [['gid-0'], ['gid-1', 'gid-2'], ['gid-3'], ['gid-4', 'gid-5', 'gid-6'], ['gid-7']]);
    });

    it('rejects a byte limit that is not a positive integer', async ({ store }) => {
      const session = await openSession(store, 'session 1');
      for (const maxBytes of [0, -1, 1.5, Number.NaN, Infinity]) {
        await assertRejects(store.list({ namespace: 'default', limit: 1, maxBytes }), 'invalid');
        await assertRejects(store.claimDue({ session, limit: 1, groups: [], maxBytes }), 'invalid');
      }
    });
  });
}
