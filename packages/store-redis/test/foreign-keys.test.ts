import type { Store } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

const ID = '7:default';

describeWith(['redis-server'], 'keys that hold what is not of the store', () => {
  const { url, run } = useServer({ appendFsync: 'everysec', settings: ['--enable-debug-command', 'local'] });

  /**
   * A batch that changes every index: one record gains an owner, one loses its owner, one waits,
   * one finishes, and one gains entries.
   */
  const batch = [
    insertOf('owned', { owner: 'session', dueInMs: null }),
    updateOf('released'),
    insertOf('ended', { status: 'succeed' }),
    { ...appendOf('grown', 'entry'), postponeMs: 1_000 },
  ];

  /** What all keys of a store hold. */
  const dump = async (prefix: string) => {
    const keys = ((await run('KEYS', `{${prefix}}:*`)) as string[]).toSorted();
    return Promise.all(keys.map(async (each) => [each, await run('DEBUG', 'DIGEST-VALUE', each)]));
  };

  it.each([
    'n',
    'n:default',
    'c:default',
    'd:',
    'd:shop',
    'o:session',
    'o:other',
    'f',
    'G',
    'O',
    'clock',
    `t${ID}owned`,
    `t${ID}grown`,
  ])('a batch that would change %s is rejected, and nothing of it is written', async (foreign) => {
    const prefix = newPrefix();
    const store = createRedisStore({ url: url(), prefix });
    await store.open();
    try {
      await store.write([
        insertOf('released', { owner: 'other', dueInMs: null }),
        insertOf('grown', { group: 'shop', dueInMs: 1_000 }),
      ]);
      const key = `{${prefix}}:${foreign}`;
      await run('DEL', key);
      // No type that the store uses.
      await run('RPUSH', key, 'of somebody else');
      const before = await dump(prefix);
      await expect(store.write(batch)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await dump(prefix)).toEqual(before);
      await run('DEL', key);
    } finally {
      await store.close();
    }
  });

  const CALLS = {
    'a takeover': (store: Store) => store.takeOver({ silenceMs: 1_000_000, keep: 's', limit: 10 }),
    'a claim': (store: Store) => store.claimDue({ session: 's', limit: 10, groups: ['shop'] }),
    'making due': (store: Store) => store.makeDue({ namespace: 'default', laterThanMs: 0, limit: 10 }),
    'a purge': (store: Store) => store.purge({ olderThanMs: -1_000, limit: 10 }),
  };

  it.each<[keyof typeof CALLS, string]>([
    ['a takeover', 'd:'],
    ['a takeover', 'd:shop'],
    ['a takeover', 'G'],
    ['a takeover', 'o:second'],
    ['a claim', 'o:s'],
    ['a claim', 'O'],
    ['a claim', 'G'],
    ['making due', 'd:moved'],
    ['a purge', 'c:default'],
    ['a purge', 'n'],
    ['a purge', 'n:default'],
  ])('%s that would change %s of another type is rejected, and nothing of it is written', async (name, foreign) => {
    const prefix = newPrefix();
    const store = createRedisStore({ url: url(), prefix });
    await store.open();
    try {
      await store.openSession('s', { node: 'n', version: '1' });
      await store.write([
        insertOf('first', { owner: 'first', dueInMs: null }),
        insertOf('second', { owner: 'second', dueInMs: null, group: 'shop' }),
        insertOf('due', { dueInMs: -1 }),
        insertOf('later', { dueInMs: 1_000_000 }),
        insertOf('moved', { dueInMs: 1_000_000 }),
        insertOf('ended', { status: 'succeed' }),
      ]);
      const at = (key: string) => `{${prefix}}:${key}`;
      if (foreign === 'd:moved') await run('HSET', at(`t${ID}moved`), 'g', 'moved');
      await run('DEL', at(foreign));
      await run('RPUSH', at(foreign), 'of somebody else');
      const before = await dump(prefix);
      await expect(CALLS[name](store)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await dump(prefix)).toEqual(before);
      await run('DEL', at(foreign));
    } finally {
      await store.close();
    }
  });
});
