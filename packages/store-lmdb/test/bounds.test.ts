import { rm } from 'node:fs/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { Environment } from '../src/environment.ts';
import { createLmdbStore } from '../src/index.ts';
import { newFolder } from './place.ts';

const KEY = { namespace: 'default', gid: 'a' };

async function openStore() {
  const path = await newFolder();
  const store = createLmdbStore({ path });
  await store.open();
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await store.close();
    await rm(path, { recursive: true, force: true });
  });
  return store;
}

it('a write that is sent again after a sync that failed is synced before it is acknowledged, though it changes nothing', async () => {
  const store = await openStore();
  await store.write([insertOf('a')]);
  const original = Reflect.get(Environment.prototype, 'commit');
  const commit = vi.spyOn(Environment.prototype, 'commit');
  commit.mockImplementationOnce(async function (this: Environment, changes) {
    await Reflect.apply(original, this, [changes]);
    throw new Error('EIO: the sync failed');
  });
  await expect(store.write([updateOf('a')])).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(await store.write([updateOf('a')])).toMatchObject([{ kind: 'applied', version: 2 }]);
  expect(commit).toHaveBeenCalledTimes(2);
  // It is certain now: nothing more is written for the same.
  expect(await store.write([updateOf('a')])).toMatchObject([{ kind: 'applied', version: 2 }]);
  expect(commit).toHaveBeenCalledTimes(2);
});

it('a record has at most as many entries as their numbers in the file have room for, and keeps their order', async () => {
  const store = await openStore();
  await store.write([insertOf('a')]);
  const most = 65_535;
  const entry = (i: number) => ({ key: `e${i}`, body: Buffer.from([1]) });
  for (let from = 0; from < most; from += 5_000) {
    const entries = Array.from({ length: Math.min(5_000, most - from) }, (_, i) => entry(from + i));
    expect(await store.write([{ ...appendOf('a', ''), entries, maxEntries: 1_000_000 }])).toMatchObject([
      { kind: 'applied' },
    ]);
  }
  const more = { ...appendOf('a', 'more'), maxEntries: 1_000_000 };
  expect(await store.write([more])).toMatchObject([{ kind: 'conflict', full: 'entries' }]);
  const [record] = await store.get([KEY]);
  expect(record?.entries.length).toBe(most);
  expect(record?.entries.every(({ key }, i) => key === `e${i}`)).toBe(true);
});
