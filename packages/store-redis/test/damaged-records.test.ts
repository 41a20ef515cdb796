import type { Store } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

const INFO = { node: 'node', version: '1' };
const keyOf = (gid: string) => ({ namespace: 'default', gid });
const gids = (found: readonly { readonly key: { readonly gid: string } }[]) => found.map(({ key }) => key.gid);

/** Ways in which a record is changed by hand, as commands on its key. */
const DAMAGES: readonly (readonly (readonly string[])[])[] = [
  [['HSET', 'KEY', 'v', 'x']],
  [['HSET', 'KEY', 'c', '']],
  [['HSET', 'KEY', 'n', 'x']],
  [['HSET', 'KEY', 'n', '1000000000000']],
  [['HDEL', 'KEY', 'e1']],
  [['HDEL', 'KEY', 'D']],
  [['HDEL', 'KEY', 'g', 'o']],
  [
    ['DEL', 'KEY'],
    ['SET', 'KEY', 'text'],
  ],
];

describeWith(['redis-server'], 'a record that something else changed', () => {
  const { url, run } = useServer({ appendFsync: 'everysec' });

  /** Writes `a`, `b` and `c`, each with an entry, and damages `b`. */
  async function withDamaged(
    damage: (typeof DAMAGES)[number],
    options: Parameters<typeof insertOf>[1],
    then: (store: Store) => Promise<void>,
  ): Promise<void> {
    const prefix = newPrefix();
    const store = createRedisStore({ url: url(), prefix });
    await store.open();
    try {
      await store.openSession('living', INFO);
      for (const gid of ['a', 'b', 'c']) {
        await store.write([insertOf(gid, options)]);
        await store.write([appendOf(gid, 'entry')]);
      }
      for (const command of damage)
        await run(...(command.map((word) => (word === 'KEY' ? `{${prefix}}:t7:defaultb` : word)) as [string]));
      await then(store);
    } finally {
      await store.close();
    }
  }

  it.each(DAMAGES)('is left out of what is claimed (%j)', async (...damage) =>
    withDamaged(damage, { dueInMs: 0 }, async (store) => {
      const { claimed } = await store.claimDue({ session: 'living', limit: 10, groups: [] });
      expect(gids(claimed)).toEqual(['a', 'c']);
    }),
  );

  it.each(DAMAGES)('does not hinder others from being taken over (%j)', async (...damage) =>
    withDamaged(damage, { owner: 'gone', dueInMs: null }, async (store) => {
      const { more } = await store.takeOver({ silenceMs: 1_000_000, keep: 'living', limit: 10 });
      expect(more).toBe(false);
      expect(gids((await store.claimDue({ session: 'living', limit: 10, groups: [] })).claimed)).toEqual(['a', 'c']);
    }),
  );

  it('is not taken from a live owner, although the index of an ended one names it', async () => {
    const prefix = newPrefix();
    const store = createRedisStore({ url: url(), prefix });
    await store.open();
    try {
      await store.openSession('living', INFO);
      await store.write([
        insertOf('a', { owner: 'living', dueInMs: null }),
        insertOf('b', { owner: 'gone', dueInMs: null }),
      ]);
      await run('SADD', `{${prefix}}:o:gone`, '7:defaulta');
      const released = await store.takeOver({ silenceMs: 1_000_000, keep: 'living', limit: 10 });
      expect(released).toMatchObject({ released: 1, more: false });
      expect(await store.get([keyOf('a'), keyOf('b')])).toMatchObject([
        { owner: 'living', version: 1 },
        { owner: null, version: 2 },
      ]);
      expect(await run('SMEMBERS', `{${prefix}}:O`)).toEqual(['living']);
    } finally {
      await store.close();
    }
  });

  it.each(DAMAGES)('does not prevent others from being made due (%j)', async (...damage) =>
    withDamaged(damage, { dueInMs: 60_000 }, async (store) => {
      await store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10 });
      expect(gids((await store.claimDue({ session: 'living', limit: 10, groups: [] })).claimed)).toEqual(['a', 'c']);
    }),
  );

  it.each(DAMAGES)('does not prevent the purge of others (%j)', async (...damage) =>
    withDamaged(damage, { status: 'succeed', dueInMs: null }, async (store) => {
      await store.purge({ olderThanMs: -1, limit: 10 });
      expect(await store.get([keyOf('a'), keyOf('c')])).toEqual([undefined, undefined]);
    }),
  );

  it.each(DAMAGES)('does not prevent others from being read, and is reported as damaged (%j)', async (...damage) =>
    withDamaged(damage, { dueInMs: 60_000 }, async (store) => {
      const [a, b, c] = await store.get(['a', 'b', 'c'].map(keyOf));
      expect(gids([a, c].flatMap((one) => (one === undefined ? [] : [one])))).toEqual(['a', 'c']);
      const isStated = b === undefined || b.unreadable?.includes('something other than Holdfast changed it') === true;
      expect(isStated).toBe(true);
      const listed = await store.list({ namespace: 'default', limit: 10 });
      expect(gids(listed.items)).toEqual(expect.arrayContaining(['a', 'c']));
    }),
  );
});
