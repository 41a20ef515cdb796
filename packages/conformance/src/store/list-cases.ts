import assert from 'node:assert/strict';
import type { ListQuery, Store, StoredTransaction } from '@holdfast/core/store';
import { PATTERNS, type Status, STATUSES } from '@holdfast/protocol';
import { assertRejects, type Cases, type Fixture } from './harness.ts';
import { appendOf, insertOf, keyOf, read, readable, updateOf, writeAll } from './items.ts';

const MANY = 10_000;
const SLOW_MS = 60_000;

type Filter = Omit<ListQuery, 'namespace' | 'limit' | 'cursor'>;

/** Every page of a query. */
async function* pages(store: Store, filter: Filter, limit: number): AsyncGenerator<readonly StoredTransaction[]> {
  let cursor: string | undefined;
  do {
    const page = await store.list({
      namespace: 'default',
      ...filter,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    assert.ok(page.items.length <= limit, 'a page is larger than its limit');
    assert.notEqual(page.next, cursor ?? '', 'a page leads to itself');
    yield page.items;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

async function listAll(store: Store, filter: Filter = {}, limit = 1_000): Promise<StoredTransaction[]> {
  const found: StoredTransaction[] = [];
  for await (const page of pages(store, filter, limit)) found.push(...page);
  return found;
}

const gidsOf = (records: readonly StoredTransaction[]): string[] => records.map((record) => record.key.gid);

/**
 * Ten thousand transactions of every status and pattern, one percent of which need operator
 * attention.
 */
async function fill(store: Store, next: () => void): Promise<void> {
  for (let from = 0; from < MANY; from += 1_000) {
    next();
    await writeAll(
      store,
      Array.from({ length: 1_000 }, (_, i) =>
        insertOf(gidOf(from + i), {
          status: STATUSES[(from + i) % STATUSES.length] as Status,
          pattern: PATTERNS[Math.floor((from + i) / 7) % PATTERNS.length] ?? 'saga',
          attention: (from + i) % 100 === 0,
          dueInMs: null,
        }),
      ),
    );
  }
}

/** Gids in another order than that of creation. */
const gidOf = (i: number): string => `${(i * 7_919) % MANY}`;

/** Lists, their filters and cursors, and counts. */
export function listCases(cases: Cases): void {
  cases.describe('lists', () => {
    smallListCases(cases);
    largeListCases(cases);
  });
  cases.describe('counts', () => countCases(cases));
}

function smallListCases({ it }: Cases): void {
  it('returns whole records, newest first', async ({ store, place }) => {
    for (const gid of ['b', 'a', 'c']) {
      await writeAll(store, [insertOf(gid)]);
      await laterThan({ store, place }, (await read(store, gid)).createdAtMs);
    }
    await writeAll(store, [appendOf('a', ['e']), updateOf('b', 1, { status: 'succeed' })]);
    const { items, next } = await store.list({ namespace: 'default', limit: 10 });
    assert.deepEqual(gidsOf(items), ['c', 'a', 'b']);
    assert.equal(next, null);
    assert.deepEqual(readable(items[1] as StoredTransaction), readable(await read(store, 'a')));
    assert.deepEqual(readable(items[2] as StoredTransaction), readable(await read(store, 'b')));
  });

  it('returns an empty page for an empty namespace', async ({ store }) => {
    await writeAll(store, [insertOf('a')]);
    assert.deepEqual(await store.list({ namespace: 'elsewhere', limit: 10 }), { items: [], next: null });
  });

  it('finds one gid', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'prepared' }), insertOf('ab'), insertOf(keyOf('a', 'elsewhere'))]);
    assert.deepEqual(gidsOf(await listAll(store, { gid: 'a' })), ['a']);
    assert.deepEqual(gidsOf(await listAll(store, { gid: 'a', status: 'submitted' })), []);
    assert.deepEqual(gidsOf(await listAll(store, { gid: 'missing' })), []);
  });

  it('filters by the time of creation', async ({ store, place }) => {
    const times: number[] = [];
    for (const gid of ['a', 'b', 'c', 'd']) {
      await writeAll(store, [insertOf(gid)]);
      times.push((await read(store, gid)).createdAtMs);
      await laterThan({ store, place }, times.at(-1) ?? 0);
    }
    const [, second = 0, third = 0] = times;
    assert.deepEqual(gidsOf(await listAll(store, { createdFromMs: second, createdToMs: third })), ['c', 'b']);
    assert.deepEqual(gidsOf(await listAll(store, { createdFromMs: third })), ['d', 'c']);
    assert.deepEqual(gidsOf(await listAll(store, { createdToMs: second }, 1)), ['b', 'a']);
    assert.deepEqual(gidsOf(await listAll(store, { createdFromMs: third, createdToMs: second })), []);
    assert.deepEqual(gidsOf(await listAll(store, { gid: 'a', createdFromMs: second })), []);
  });

  it('rejects cursors that it did not issue, and limits outside their bounds', async ({ store }) => {
    await writeAll(store, [insertOf('a')]);
    for (const cursor of ['', 'x', '%', '..', 'zzzzzzzzzzzzzzzzzzzzzzzz', 'a.%E0%A4%A', "1.' or 1=1"])
      await assertRejects(store.list({ namespace: 'default', limit: 1, cursor: `?${cursor}` }), 'invalid');
    for (const limit of [0, -1, 1_001, 1.5])
      await assertRejects(store.list({ namespace: 'default', limit }), 'invalid');
  });
}

function largeListCases({ it }: Cases): void {
  it(
    'pages through ten thousand transactions, each once, with every filter',
    async ({ store, place }) => {
      await fill(store, () => place.moveWallClock?.(1));
      const all = await listAll(store, {}, 999);
      assert.equal(all.length, MANY);
      assert.equal(new Set(gidsOf(all)).size, MANY, 'something is listed twice');
      assert.ok(all.every((record, i) => i === 0 || record.createdAtMs <= (all[i - 1]?.createdAtMs ?? 0)));
      const filters: Filter[] = [
        ...STATUSES.map((status) => ({ status })),
        ...PATTERNS.map((pattern) => ({ pattern })),
        { attention: true },
        { attention: false },
        { status: 'failed', pattern: 'xa' },
        { status: 'prepared', attention: true },
        { status: 'aborting', attention: true },
      ];
      for (const filter of filters) {
        const expected = all.filter((record) => matches(record, filter));
        assert.deepEqual(gidsOf(await listAll(store, filter, 700)), gidsOf(expected), JSON.stringify(filter));
      }
      const slice = { createdFromMs: all[7_000]?.createdAtMs ?? 0, createdToMs: all[3_000]?.createdAtMs ?? 0 };
      const within = all.filter((record) => matches(record, slice));
      assert.deepEqual(gidsOf(await listAll(store, slice, 1_000)), gidsOf(within));
    },
    SLOW_MS,
  );

  it(
    'pages through what was there while new transactions come',
    async ({ store, place }) => {
      const old = Array.from({ length: 1_000 }, (_, i) => `old ${i}`);
      await writeAll(
        store,
        old.map((gid) => insertOf(gid)),
      );
      await laterThan({ store, place }, (await read(store, 'old 0')).createdAtMs);
      const found: string[] = [];
      let page = 0;
      for await (const items of pages(store, {}, 60)) {
        found.push(...gidsOf(items));
        page++;
        await writeAll(store, [insertOf(`new ${page}`), updateOf(`old ${page}`, 1, { status: 'succeed' })]);
      }
      assert.deepEqual(found.toSorted(), old.toSorted());
      assert.equal((await listAll(store)).length, old.length + page);
    },
    SLOW_MS,
  );
}

const matches = (record: StoredTransaction, filter: Filter): boolean =>
  (filter.status === undefined || filter.status === record.status) &&
  (filter.pattern === undefined || filter.pattern === record.pattern) &&
  (filter.attention === undefined || filter.attention === record.attention) &&
  record.createdAtMs >= (filter.createdFromMs ?? 0) &&
  record.createdAtMs <= (filter.createdToMs ?? Infinity);

/** Waits until the store's time has passed a moment, so that later records are newer. */
async function laterThan({ store, place }: Pick<Fixture, 'store' | 'place'>, momentMs: number): Promise<void> {
  while ((await store.nowMs()) <= momentMs) {
    place.moveWallClock?.(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function countCases({ it }: Cases): void {
  it('counts each status and what needs operator attention, per namespace and in total', async ({ store }) => {
    await writeAll(store, [
      insertOf('a', { status: 'prepared' }),
      insertOf('b', { attention: true }),
      insertOf('c'),
      insertOf(keyOf('a', 'elsewhere'), { status: 'aborting', attention: true }),
      insertOf(keyOf('b', 'elsewhere'), { status: 'failed' }),
    ]);
    const counts = { prepared: 1, submitted: 2, aborting: 0, succeed: 0, failed: 0 };
    assert.deepEqual(await store.count('default'), { byStatus: counts, attention: 1 });
    assert.deepEqual(await store.count(), { byStatus: { ...counts, aborting: 1, failed: 1 }, attention: 2 });
    const none = { prepared: 0, submitted: 0, aborting: 0, succeed: 0, failed: 0 };
    assert.deepEqual(await store.count('nowhere'), { byStatus: none, attention: 0 });
  });

  it('counts follow every applied write and no rejected one', async ({ store }) => {
    await writeAll(store, [insertOf('a', { status: 'prepared', attention: true }), insertOf('b')]);
    await store.write([
      updateOf('a', 1, { status: 'submitted' }),
      updateOf('b', 9, { status: 'failed', attention: true }),
    ]);
    await store.write([updateOf('a', 2, { status: 'succeed' }), insertOf('b', { status: 'failed' })]);
    const counts = { prepared: 0, submitted: 1, aborting: 0, succeed: 1, failed: 0 };
    assert.deepEqual(await store.count(), { byStatus: counts, attention: 0 });
    await store.purge({ olderThanMs: -1, limit: 10 });
    assert.deepEqual((await store.count()).byStatus.succeed, 0);
  });
}
