import type { Store } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

const INFO = { node: 'node', version: '1' };

/** Redis may evict a key, and an operator may delete one; the indexes still name it then. */
describeWith(['redis-server'], 'a transaction whose record is missing', () => {
  const { url, run } = useServer({ appendFsync: 'everysec' });

  /**
   * Writes `a`, `b` and `c`, deletes the record of `b`, runs `then`, and asserts that the index no
   * longer names `b`.
   */
  async function without(
    write: (store: Store, gid: string) => Promise<unknown>,
    then: (store: Store) => Promise<unknown>,
    index: string,
  ): Promise<void> {
    const prefix = newPrefix();
    const store = createRedisStore({ url: url(), prefix });
    await store.open();
    try {
      await store.openSession('living', INFO);
      for (const gid of ['a', 'b', 'c']) await write(store, gid);
      await run('DEL', `{${prefix}}:t7:defaultb`);
      await then(store);
      const key = `{${prefix}}:${index}`;
      const type = await run('TYPE', key);
      const members =
        type === 'none'
          ? []
          : await run(type === 'set' ? 'SMEMBERS' : 'ZRANGE', key, ...(type === 'set' ? [] : ['0', '-1']));
      expect(members).not.toContain('7:defaultb');
    } finally {
      await store.close();
    }
  }

  const gids = (found: readonly { readonly key: { readonly gid: string } }[]) => found.map(({ key }) => key.gid);

  it('is not claimed, while the others are', () =>
    without(
      (store, gid) => store.write([insertOf(gid, { dueInMs: 0 })]),
      async (store) => {
        const { claimed } = await store.claimDue({ session: 'living', limit: 10, groups: [] });
        expect(gids(claimed)).toEqual(['a', 'c']);
        expect((await store.claimDue({ session: 'living', limit: 10, groups: [] })).claimed).toEqual([]);
      },
      'd:',
    ));

  it('is not claimed when no other transaction is due', () =>
    without(
      (store, gid) => store.write([insertOf(gid, { dueInMs: gid === 'b' ? 0 : 60_000 })]),
      async (store) => {
        const { claimed, nextDueInMs } = await store.claimDue({ session: 'living', limit: 10, groups: [] });
        expect(claimed).toEqual([]);
        expect(nextDueInMs).toBeGreaterThan(50_000);
      },
      'd:',
    ));

  it('does not prevent the purge of others', () =>
    without(
      (store, gid) => store.write([insertOf(gid, { status: 'succeed', dueInMs: null })]),
      async (store) => {
        await store.purge({ olderThanMs: -1, limit: 10 });
        expect(
          (await store.get(['a', 'c'].map((gid) => ({ namespace: 'default', gid })))).every((one) => one === undefined),
        ).toBe(true);
      },
      'f',
    ));

  it('does not prevent a takeover of others', () =>
    without(
      (store, gid) => store.write([insertOf(gid, { owner: 'gone', dueInMs: null })]),
      async (store) => {
        await store.takeOver({ silenceMs: 1_000_000, keep: 'living', limit: 10 });
        expect(gids((await store.claimDue({ session: 'living', limit: 10, groups: [] })).claimed)).toEqual(['a', 'c']);
      },
      'o:gone',
    ));

  it('does not prevent others from being made due', () =>
    without(
      (store, gid) => store.write([insertOf(gid, { dueInMs: 60_000 })]),
      async (store) => {
        await store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10 });
        expect(gids((await store.claimDue({ session: 'living', limit: 10, groups: [] })).claimed)).toEqual(['a', 'c']);
      },
      'd:',
    ));
});
