import { expect, it } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { appendOf, insertOf, updateOf } from '../../conformance/test/support/items.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

const ID = '7:default';

describeWith(['redis-server'], 'keys that hold what is not of the store', () => {
  const { url, run } = useServer({ appendFsync: 'everysec', settings: ['--enable-debug-command', 'local'] });

  /** A batch that changes every index: somebody gets an owner, somebody loses one, somebody waits, somebody ends, somebody grows. */
  const batch = [
    insertOf('owned', { owner: 'session', dueInMs: null }),
    updateOf('released'),
    insertOf('ended', { status: 'succeed' }),
    { ...appendOf('grown', 'entry'), postponeMs: 1_000 },
  ];

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
  ])('a batch that would change %s is refused, and nothing of it is written', async (foreign) => {
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
      const dump = async () => {
        const keys = ((await run('KEYS', `{${prefix}}:*`)) as string[]).toSorted();
        return Promise.all(keys.map(async (each) => [each, await run('DEBUG', 'DIGEST-VALUE', each)]));
      };
      const before = await dump();
      await expect(store.write(batch)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await dump()).toEqual(before);
      await run('DEL', key);
    } finally {
      await store.close();
    }
  });
});
