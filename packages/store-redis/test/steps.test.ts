import type { Store } from '@holdfast/core/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

const HOUR_MS = 3_600_000;
/** More transactions than two script calls examine. */
const MANY = 2_500;

describeWith(['redis-server'], 'calls of several steps on a real server', () => {
  const { url, run } = useServer({ appendFsync: 'everysec' });
  let store: Store;
  let prefix: string;
  beforeAll(async () => {
    prefix = newPrefix();
    store = createRedisStore({ url: url(), prefix });
    await store.open();
  });
  afterAll(() => store.close());

  const insertMany = (count: number, name: string, settings: Parameters<typeof insertOf>[1]) =>
    store.write(Array.from({ length: count }, (_, i) => insertOf(`${name}-${i}`, settings)));

  it('what waits is made due once, however many steps it takes', async () => {
    await insertMany(MANY, 'waits', { dueInMs: HOUR_MS });
    await store.write([insertOf('elsewhere', { key: { namespace: 'other', gid: 'waits' }, dueInMs: HOUR_MS })]);
    expect(await store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10_000 })).toEqual({
      count: MANY,
      more: false,
    });
    const keys = Array.from({ length: MANY }, (_, i) => ({ namespace: 'default', gid: `waits-${i}` }));
    expect(new Set(await store.versions(keys))).toEqual(new Set([2]));
    expect(await store.versions([{ namespace: 'other', gid: 'waits' }])).toEqual([1]);
  });

  it('what is left out of a namespace does not hide what comes behind it', async () => {
    const others = Array.from({ length: MANY }, (_, i) =>
      insertOf('', { key: { namespace: 'other', gid: `before-${i}` }, dueInMs: HOUR_MS }),
    );
    await store.write(others);
    await insertMany(10, 'behind', { dueInMs: 2 * HOUR_MS });
    const request = { namespace: 'default', laterThanMs: 0, limit: 7 };
    expect(await store.makeDue(request)).toEqual({ count: 7, more: true });
    expect(await store.makeDue(request)).toEqual({ count: 3, more: false });
    expect(new Set(await store.versions(others.map(({ key }) => key)))).toEqual(new Set([1]));
  });

  it('a page without a filter examines only the transactions that it returns', async () => {
    await run('CONFIG', 'RESETSTAT');
    const page = await store.list({ namespace: 'default', limit: 10 });
    expect(page.items).toHaveLength(10);
    const cursor = page.next ?? '';
    expect((await store.list({ namespace: 'default', limit: 10, cursor })).items).toHaveLength(10);
    expect(String(await run('INFO', 'commandstats'))).toMatch(/cmdstat_hmget:calls=20,/);
  });

  it('purges more than one script call deletes', async () => {
    await insertMany(350, 'ended', { status: 'failed' });
    expect(await store.purge({ olderThanMs: -1, limit: 320 })).toBe(320);
    expect(await store.purge({ olderThanMs: -1, limit: 320 })).toBe(30);
    expect((await store.count()).byStatus.failed).toBe(0);
  });

  it('all keys have one hash tag, so that they lie in one slot of a Cluster', async () => {
    const keys = (await run('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(MANY);
    expect(keys.filter((key) => !key.startsWith(`{${prefix}}:`))).toEqual([]);
  });
});
