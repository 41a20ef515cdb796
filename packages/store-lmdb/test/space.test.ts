import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry, Store, WriteItem } from '@holdfast/core/store';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLmdbStore } from '../src/index.ts';
import { newFolder } from './place.ts';

let path: string;
beforeEach(async () => {
  path = await newFolder();
});
afterEach(() => rm(path, { recursive: true, force: true }));

async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  const store = createLmdbStore({ path });
  await store.open();
  await work(store);
  await store.close();
}

const keyOf = (gid: string) => ({ namespace: 'default', gid });
const common = { attention: false, dueInMs: null, state: Buffer.alloc(200) } as const;

const insert = (gid: string, owner: string | null): WriteItem => {
  const fixed = { pattern: 'saga', group: '', definition: Buffer.alloc(400) } as const;
  return { kind: 'insert', key: keyOf(gid), writeId: `i ${gid}`, status: 'submitted', owner, ...common, ...fixed };
};
const finish = (gid: string, expectVersion = 1): WriteItem => {
  const write = { key: keyOf(gid), writeId: `f ${gid}`, expectVersion, status: 'succeed', owner: null } as const;
  return { kind: 'update', ...write, ...common };
};
const append = (gid: string, entries: readonly Entry[]): WriteItem => {
  return { kind: 'append', key: keyOf(gid), entries, whenStatus: ['submitted'], maxEntries: 10 };
};

/** The first byte of every key in the file: what kind of thing is stored how often. */
async function kindsOfKeys(): Promise<Map<number, number>> {
  const db = open<Buffer, Uint8Array>({ path, noSubdir: false, keyEncoding: 'binary', overlappingSync: false });
  const kinds = new Map<number, number>();
  for (const key of db.getKeys({ start: Buffer.of(0) })) kinds.set(key[0] ?? 0, (kinds.get(key[0] ?? 0) ?? 0) + 1);
  await db.close();
  return kinds;
}

const META = 1;
const COUNTS = 2;
const OWNED = 5;

const gids = Array.from({ length: 64 }, (_, i) => `gid-${i}`);

describe('the space that a store takes', () => {
  it('is given back when everything was purged', async () => {
    await withStore(async (store) => {
      await store.write(gids.map((gid, i) => insert(gid, i % 2 === 0 ? 'session' : null)));
      await store.write(gids.map((gid) => append(gid, [{ key: 'e', body: Buffer.from('entry') }])));
      await store.write(gids.map((gid) => finish(gid, 2)));
      expect(await store.purge({ olderThanMs: -1, limit: 100 })).toBe(64);
    });
    expect(await kindsOfKeys()).toEqual(
      new Map([
        [META, 2],
        [COUNTS, 1],
      ]),
    );
  });

  it('does not grow while as much is purged as comes', async () => {
    await withStore(async (store) => {
      const sizes: number[] = [];
      for (let round = 0; round < 60; round++) {
        const fresh = gids.map((gid) => `${gid}-${round}`);
        await store.write(fresh.map((gid) => insert(gid, 'session')));
        await store.write(fresh.map((gid) => finish(gid)));
        await store.purge({ olderThanMs: -1, limit: 100 });
        sizes.push((await stat(join(path, 'data.mdb'))).size);
      }
      expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[20] ?? 0) * 1.2);
    });
  });

  it('lists no more blocks of owned transactions than are in progress, however many were finished around them', async () => {
    await withStore(async (store) => {
      for (let round = 0; round < 50; round++) {
        const fresh = gids.map((gid) => `${gid}-${round}`);
        await store.write(fresh.map((gid) => insert(gid, 'session')));
        await store.write(fresh.slice(2).map((gid) => finish(gid)));
      }
    });
    expect((await kindsOfKeys()).get(OWNED)).toBeLessThanOrEqual(50);
    await withStore(async (store) => {
      await store.openSession('keeper', { node: 'test', version: '1' });
      expect(await store.takeOver({ silenceMs: -1, keep: 'keeper', limit: 1_000 })).toMatchObject({ released: 100 });
    });
    expect((await kindsOfKeys()).get(OWNED)).toBeUndefined();
  });
});
