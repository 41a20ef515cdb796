import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog, auditPageOf, ChainCheck, type ChainPoint, type ChainVerdict } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import type { KeyValueId, Store } from '@holdfast/core/store';
import { createLmdbStore } from '@holdfast/store-lmdb';
import { createMysqlStore } from '@holdfast/store-mysql';
import { createPostgresStore } from '@holdfast/store-postgres';
import { createRedisStore } from '@holdfast/store-redis';
import { describeWith } from '@holdfast/testing/describe-with';
import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DAY_MS = 86_400_000;

/** A place for stores: `open` returns a new store at it, another connection of a shared one. */
interface Place {
  open(): Promise<Store>;
  close(): Promise<void>;
}

const idOf = (sequence: number): KeyValueId => ({
  namespace: '$holdfast',
  category: 'audit',
  key: String(sequence).padStart(16, '0'),
});

const logOver = (store: Store): AuditLog =>
  new AuditLog({ store, logger: SILENT, retentionMs: DAY_MS, maxEntries: 1_000_000 });

const begun = (gid: string) => ({ kind: 'begun' as const, operation: 'stop', on: { gid }, reason: 'übel ☠ "x"\n' });

async function verdictOf(store: Store, expected?: ChainPoint): Promise<ChainVerdict> {
  const check = new ChainCheck(expected);
  let cursor: string | undefined;
  do {
    const page = await auditPageOf(logOver(store), { order: 'oldest', limit: 7, cursor });
    check.startAt(page.anchor);
    for (const { line } of page.items) check.add(line);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return check.end();
}

async function entryOf(store: Store, sequence: number) {
  const stored = await store.kvGet(idOf(sequence));
  if (stored === undefined) throw new Error(`there is no entry ${sequence}`);
  return stored;
}

async function replace(store: Store, sequence: number, value: string): Promise<void> {
  expect(await store.kvPut(idOf(sequence), value, (await entryOf(store, sequence)).version)).toBe('applied');
}

async function remove(store: Store, sequence: number): Promise<void> {
  expect(await store.kvDelete(idOf(sequence), (await entryOf(store, sequence)).version)).toBe('applied');
}

/** What every store must do for the audit log. */
function auditSuite(newPlace: () => Promise<Place>): void {
  let place: Place;
  let nodes: readonly [Store, Store];

  beforeEach(async () => {
    place = await newPlace();
    nodes = [await place.open(), await place.open()];
    return async () => {
      for (const store of new Set(nodes)) await store.close();
      await place.close();
    };
  });

  const fill = async (count: number): Promise<AuditLog> => {
    const log = logOver(nodes[0]);
    for (let n = 1; n <= count; n++) await log.append(begun(`g${n}`));
    return log;
  };

  it('keeps one chain while two nodes append at once', async () => {
    const logs = nodes.map(logOver);
    const numbers = await Promise.all(
      logs.flatMap((log, node) => Array.from({ length: 30 }, (_, n) => log.append(begun(`${node}-${n}`)))),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    for (const store of nodes) expect(await verdictOf(store)).toMatchObject({ fault: undefined, entries: 60 });
  });

  it('reads back each line as it was written, newest first and oldest first', async () => {
    const log = await fill(25);
    const newest = await auditPageOf(log, { order: 'newest', limit: 10 });
    expect(newest.items.map(({ sequence }) => sequence)).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
    expect(JSON.parse(newest.items[0]?.line ?? '')).toMatchObject({ on: { gid: 'g25' }, reason: 'übel ☠ "x"\n' });
  });

  it('finds a changed, a missing and an exchanged entry, and one that is missing at the end', async () => {
    const [store] = nodes;
    await fill(9);
    const { last } = await verdictOf(store);
    const fifth = (await entryOf(store, 5)).value;
    await replace(store, 5, fifth.replace('"g5"', '"g6"'));
    expect((await verdictOf(store)).fault).toMatch(/^entry 5 was changed/);
    await replace(store, 5, fifth);
    expect((await verdictOf(store, last)).fault).toBeUndefined();
    const [seventh, eighth] = [(await entryOf(store, 7)).value, (await entryOf(store, 8)).value];
    await replace(store, 7, eighth);
    await replace(store, 8, seventh);
    expect((await verdictOf(store)).fault).toMatch(/^entry 7 is missing/);
    await replace(store, 7, seventh);
    await replace(store, 8, eighth);
    await remove(store, 9);
    expect((await verdictOf(store)).fault).toBeUndefined();
    expect((await verdictOf(store, last)).fault).toMatch(/^entry 9, which is expected, is missing/);
    await remove(store, 4);
    expect((await verdictOf(store)).fault).toBe('entry 4 is missing');
    // The log continues, and the break stays visible.
    await logOver(nodes[1]).append(begun('later'));
    expect((await verdictOf(store)).fault).toMatch(/^entry (4 is missing|5 does not continue)/);
  });

  it('is cut by two nodes at once, and the rest is a whole chain that continues', async () => {
    await fill(40);
    const { last } = await verdictOf(nodes[0]);
    const later = nodes.map((store) => aheadBy(2 * DAY_MS, store)) as [Store, Store];
    await logOver(later[0]).append(begun('recent'));
    await Promise.all(later.map((store) => logOver(store).prune()));
    const verdict = await verdictOf(nodes[1]);
    expect(verdict.fault).toBeUndefined();
    expect(await nodes[0].kvGet(idOf(40))).toBeUndefined();
    expect(await nodes[0].kvGet(idOf(41))).toBeDefined();
    await logOver(later[1]).append(begun('next'));
    expect((await verdictOf(nodes[0], verdict.last)).fault).toBeUndefined();
    // A point that was kept outside is the anchor: deleted by age, and still verified.
    expect((await verdictOf(nodes[0], last)).fault).toBeUndefined();
  });
}

/** The same store at a later time. */
const aheadBy = (ms: number, store: Store): Store =>
  new Proxy(store, {
    get: (target, name) => {
      if (name === 'nowMs') return async () => (await target.nowMs()) + ms;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

/** For a store that one process owns, both nodes are parts of that process. */
const shared = (store: Store, close: () => Promise<void>): Place => {
  let opened: Promise<unknown> | undefined;
  return { open: async () => (await (opened ??= store.open()), store), close };
};

describe('the audit log on memory', () => {
  auditSuite(async () => shared(new MemoryStore(Date.now, () => performance.now()), async () => undefined));
});

describe('the audit log on LMDB', () => {
  auditSuite(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-audit-lmdb-'));
    return shared(createLmdbStore({ path: folder }), () => rm(folder, { recursive: true }));
  });
});

/** The suite on a database server, each test at a new place. */
const onServer = (
  program: string,
  start: () => Promise<DatabaseServer | undefined>,
  storeAt: (url: string, index: number) => Store,
): void =>
  describeWith([program], `the audit log on ${program}`, () => {
    let server: DatabaseServer | undefined;
    let places = 0;
    beforeAll(async () => void (server = await start()));
    afterAll(() => server?.stop());
    auditSuite(async () => {
      const index = ++places;
      const open = async () => {
        const store = storeAt(server?.url ?? '', index);
        await store.open();
        return store;
      };
      return { open, close: async () => undefined };
    });
  });

onServer(
  'postgres',
  () => startPostgres(),
  (url, index) => createPostgresStore({ url: `${url}?schema=audit_${index}` }),
);
onServer(
  'mariadbd',
  () => startMariadb(),
  (url, index) => createMysqlStore({ url: `${url}?prefix=audit_${index}_` }),
);
onServer(
  'redis-server',
  () => startRedis(),
  (url, index) => createRedisStore({ url: `${url}?prefix=audit_${index}` }),
);
