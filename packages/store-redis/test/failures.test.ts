import type { StoreError } from '@holdfast/core/store';
import { freePort } from '@holdfast/testing/servers';
import { describe, expect, it, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf, updateOf } from '@holdfast/testing/store-cases';
import { expectToOpenAtOnce, withStoreAt } from '@holdfast/testing/store-cases';
import { expectUnreachable } from '@holdfast/testing/store-cases';
import { expectDoubtThatResolves, expectToOutliveItsServer, WAIT } from '@holdfast/testing/store-cases';
import { createRedisStore, type RedisStoreOptions } from '../src/index.ts';
import { deafProxy } from './deaf-proxy.ts';
import { newPrefix, runAt, useServer } from '@holdfast/testing/redis';

const APPLIED = [{ kind: 'applied' }];
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: StoreError) => error.code,
  );

describeWith(['redis-server'], 'failures on a real server', () => {
  const { url, server, run } = useServer({ settings: ['--busy-reply-threshold', '50'] });

  const withStore = withStoreAt<RedisStoreOptions>(newPrefix, (prefix, options) =>
    createRedisStore({ url: url(), prefix, ...options }),
  );

  it('a lost response leaves the outcome of a write unknown; the repeated write is recognised', async () => {
    const proxy = await deafProxy(url());
    const losing = async (send: () => Promise<unknown>) => {
      proxy.loseResponses(true);
      await send();
      proxy.loseResponses(false);
    };
    await withStore((store) => expectDoubtThatResolves(store, losing), { url: proxy.url });
    await proxy.close();
  });

  it('a server that is killed under load is unavailable until it runs again, and then has everything that was acknowledged', async () => {
    // The store reconnects on its own: the first call succeeds, without `open` or a retry.
    const first = <T>(call: () => Promise<T>): Promise<T> => call();
    await withStore((store) => expectToOutliveItsServer(store, server(), { writes: 50, first }));
  });

  it('scripts that the server forgot are sent again', async () => {
    await withStore(async (store) => {
      await store.write([insertOf('a')]);
      await run('SCRIPT', 'FLUSH');
      expect(await store.write([updateOf('a')])).toMatchObject(APPLIED);
      expect((await store.count()).byStatus.submitted).toBe(1);
    });
  });

  it('a server that is busy with the script of another client rejects calls, and nothing is applied', async () => {
    await withStore(async (store) => {
      await store.write([insertOf('a')]);
      const busy = run('EVAL', 'while true do end', '0').catch(() => undefined);
      await vi.waitFor(async () => expect(await codeOf(store.nowMs())).toBe('unavailable'), WAIT);
      expect(await codeOf(store.write([insertOf('b')]))).toBe('unavailable');
      await run('SCRIPT', 'KILL');
      await busy;
      expect(await store.get([{ namespace: 'default', gid: 'b' }])).toEqual([undefined]);
    });
  });

  it('full memory rejects whole batches; owners keep their records, and old ones can be purged', async () => {
    await withStore(async (store) => {
      await store.openSession('session', { node: 'node', version: '1' });
      await store.write([insertOf('old', { status: 'succeed' }), insertOf('due')]);
      await run('CONFIG', 'SET', 'maxmemory', '1mb');
      try {
        expect(await codeOf(store.write([updateOf('due', { status: 'failed' }), insertOf('new')]))).toBe('unavailable');
        const [due, none] = await store.get([
          { namespace: 'default', gid: 'due' },
          { namespace: 'default', gid: 'new' },
        ]);
        expect([due?.version, none]).toEqual([1, undefined]);
        expect(await store.heartbeat('session')).toMatchObject({ alive: true });
        expect((await store.claimDue({ session: 'session', limit: 10, groups: [] })).claimed).toHaveLength(1);
        expect(await store.purge({ olderThanMs: -1, limit: 10 })).toBe(1);
      } finally {
        await run('CONFIG', 'SET', 'maxmemory', '0');
      }
      expect(await store.write([insertOf('new')])).toMatchObject(APPLIED);
    });
  });

  it.each(['proto-max-bulk-len', 'client-query-buffer-limit'])(
    'what exceeds %s is rejected, and never in doubt: its neighbours would wait with it for ever',
    async (setting) => {
      const before = (await run('CONFIG', 'GET', setting)) as readonly string[];
      await run('CONFIG', 'SET', setting, '1mb');
      try {
        await withStore(async (store) => {
          const large = insertOf('large', { definition: new Uint8Array(1_500_000).fill(120) });
          expect(await codeOf(store.write([insertOf('a'), large]))).toBe('rejected');
          expect(await codeOf(store.write([large]))).toBe('rejected');
          expect(await store.write([insertOf('a')])).toMatchObject(APPLIED);
          expect(await store.get([large.key])).toEqual([undefined]);
        });
      } finally {
        await run('CONFIG', 'SET', setting, before[1] ?? '');
      }
    },
  );

  it('what exceeds proto-max-bulk-len is rejected also where CONFIG is forbidden', async () => {
    await run('ACL', 'SETUSER', 'short', 'on', '>secret', '~*', '+@all', '-config');
    const account = new URL(url());
    Object.assign(account, { username: 'short', password: 'secret' });
    await run('CONFIG', 'SET', 'proto-max-bulk-len', '1mb');
    try {
      await withStore(
        async (store) => {
          const large = insertOf('large', { definition: new Uint8Array(1_500_000).fill(120) });
          // In doubt for as long as the connection is reset before the response is read.
          await vi.waitFor(async () => expect(await codeOf(store.write([large]))).toBe('rejected'), WAIT);
          expect(await store.write([insertOf('a')])).toMatchObject(APPLIED);
        },
        { url: account.href },
      );
    } finally {
      await run('CONFIG', 'SET', 'proto-max-bulk-len', '512mb');
    }
  });

  it('a server that became a replica rejects writes, and is used again when it is promoted', async () => {
    await withStore(async (store, prefix) => {
      await store.write([insertOf('a')]);
      await run('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
      await run('REPLICAOF', '127.0.0.1', String(await freePort()));
      try {
        expect(await codeOf(store.write([insertOf('b')]))).toBe('unavailable');
        const other = createRedisStore({ url: url(), prefix });
        expect(await codeOf(other.open())).toBe('unavailable');
      } finally {
        await run('REPLICAOF', 'NO', 'ONE');
      }
      expect(await store.write([insertOf('b')])).toMatchObject([{ kind: 'applied', version: 1 }]);
    });
  });

  it('claims, releases and deletes more than one script call does', async () => {
    await withStore(async (store) => {
      await store.openSession('session', { node: 'node', version: '1' });
      await store.openSession('other', { node: 'node', version: '1' });
      await store.write(Array.from({ length: 350 }, (_, i) => insertOf(`gid-${i}`)));
      const { claimed } = await store.claimDue({ session: 'session', limit: 250, groups: [] });
      expect(new Set(claimed.map(({ key }) => key.gid)).size).toBe(250);
      await store.endSession('session');
      expect(await store.takeOver({ silenceMs: 60_000, keep: 'other', limit: 1_000 })).toMatchObject({
        released: 250,
        more: false,
      });
      const all = await store.claimDue({ session: 'other', limit: 1_000, groups: [] });
      expect(all.claimed).toHaveLength(350);
    });
  });

  it('what is large is claimed and read in parts', async () => {
    await withStore(async (store) => {
      await store.openSession('session', { node: 'node', version: '1' });
      const gids = ['a', 'b', 'c', 'd', 'e'];
      const state = Buffer.alloc(3 * 1024 * 1024, 7);
      for (const gid of gids) await store.write([insertOf(gid, { state })]);
      const keys = gids.map((gid) => ({ namespace: 'default', gid }));
      const taken: string[] = [];
      for (;;) {
        const { claimed } = await store.claimDue({ session: 'session', limit: 10, groups: [] });
        if (claimed.length === 0) break;
        taken.push(...claimed.map(({ key }) => key.gid));
      }
      expect(taken.toSorted()).toEqual(gids);
      expect((await store.get(keys)).map((record) => record?.state.length)).toEqual(gids.map(() => state.length));
    });
  });

  describe('opening', () => {
    it('works for many nodes at once on an empty database', async () => {
      const prefix = newPrefix();
      await expectToOpenAtOnce(() => createRedisStore({ url: url(), prefix }));
    });

    it('rejects keys of a newer Holdfast and does not change them', async () => {
      const prefix = newPrefix();
      await run('SET', `{${prefix}}:schema`, '99');
      const store = createRedisStore({ url: url(), prefix });
      for (let attempt = 0; attempt < 2; attempt++) expect(await codeOf(store.open())).toBe('unsupported_format');
      expect(await run('KEYS', `{${prefix}}:*`)).toEqual([`{${prefix}}:schema`]);
    });

    it.each([
      ['appendfsync', 'everysec', 'always', 'appendfsync is everysec'],
      ['appendonly', 'no', 'yes', 'appendonly is off'],
      ['no-appendfsync-on-rewrite', 'yes', 'no', 'no-appendfsync-on-rewrite is on'],
      ['maxmemory-policy', 'allkeys-lru', 'noeviction', 'maxmemory-policy is allkeys-lru'],
    ])('with %s %s warns about what a crash may lose, and is not durable', async (name, value, back, words) => {
      const warnings: string[] = [];
      await run('CONFIG', 'SET', name, value);
      try {
        await withStore(async (store) => expect(store.capabilities.durable).toBe(false), {
          onWarning: (text) => warnings.push(text),
        });
      } finally {
        await run('CONFIG', 'SET', name, back);
        // A server does not shut down before its first append-only file is written.
        await vi.waitFor(
          async () => expect(await run('INFO', 'persistence')).toMatch(/aof_rewrite_in_progress:0/),
          WAIT,
        );
      }
      expect(warnings).toEqual([expect.stringContaining(words)]);
      await withStore(async (store) => expect(store.capabilities.durable).toBe(true));
    });

    it('warns about what it could not check where CONFIG is forbidden', async () => {
      const warnings: string[] = [];
      await run('ACL', 'SETUSER', 'guest', 'on', '>secret', '~*', '+@all', '-config');
      const guest = new URL(url());
      Object.assign(guest, { username: 'guest', password: 'secret' });
      await withStore(async (store) => expect(store.capabilities.durable).toBe(false), {
        url: guest.href,
        onWarning: (text) => warnings.push(text),
      });
      expect(warnings).toEqual([expect.stringContaining('appendfsync cannot be read')]);
    });

    it('rejects, before any batch, an account that lacks a permission that a batch needs', async () => {
      await run('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-zadd');
      const weak = new URL(url());
      Object.assign(weak, { username: 'weak', password: 'secret' });
      const store = createRedisStore({ url: weak.href, prefix: newPrefix() });
      await expect(store.open()).rejects.toMatchObject({
        code: expect.stringMatching(/^(unavailable|outcome_unknown)$/) as string,
      });
    });

    it('a server that requires a password is used with it, and the error states where to configure it', async () => {
      const secret = new URL(url());
      secret.password = 'hunter2';
      // The same as `requirepass`: not even HELLO is allowed before the password.
      await run('ACL', 'SETUSER', 'default', 'resetpass', '>hunter2');
      try {
        await withStore(async (store) => expect(await store.write([insertOf('a')])).toMatchObject(APPLIED), {
          url: secret.href,
        });
        await expect(createRedisStore({ url: url(), prefix: newPrefix() }).open()).rejects.toThrow(
          ':PASSWORD@ before the host',
        );
      } finally {
        await runAt(secret.href, 'ACL', 'SETUSER', 'default', 'nopass');
      }
    });

    it('a wrong password is unavailable, and printed nowhere', async () => {
      const wrong = new URL(url());
      Object.assign(wrong, { username: 'nobody', password: 'hunter2' });
      await expectUnreachable(createRedisStore({ url: wrong.href }), wrong.host, 'hunter2');
      expect(await runAt(url(), 'PING')).toBe('PONG');
    });
  });
});
