import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import { startRedis } from '@holdfast/testing/servers';
import { expect, it, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf } from '@holdfast/testing/store-cases';
import { WAIT } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, runAt, useServer } from '@holdfast/testing/redis';

describeWith(['redis-server'], 'a connection to Redis', () => {
  const { url, run } = useServer({ settings: ['--databases', '4'] });

  const withUser = (username: string, password: string, path = ''): string =>
    Object.assign(new URL(url()), { username, password, pathname: path }).href;

  it('uses the database that the URL names', async () => {
    const prefix = newPrefix();
    const store = createRedisStore({ url: `${url()}/3`, prefix });
    await store.open();
    await store.write([insertOf('a')]);
    await store.close();
    expect(await run('EXISTS', `{${prefix}}:schema`)).toBe(0);
    expect(await runAt(`${url()}/3`, 'EXISTS', `{${prefix}}:schema`)).toBe(1);
  });

  it.each([
    ['a database that the server does not have', () => `${url()}/9`, /database 9.*(out of range|invalid)/i],
    ['a password where the server has none', () => withUser('', 'hunter2'), /AUTH/],
    ['a user that the server does not have', () => withUser('nobody', 'hunter2'), /WRONGPASS/],
  ])('is rejected with %s, and nothing is written', async (_, makeUrl, words) => {
    const prefix = newPrefix();
    const store = createRedisStore({ url: makeUrl(), prefix });
    await expect(store.open()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.open()).rejects.toThrow(words);
    await expect(store.open()).rejects.not.toThrow('hunter2');
    expect(await run('EXISTS', `{${prefix}}:schema`)).toBe(0);
  });

  it('is rejected for an account that may not select, and nothing is written to database 0', async () => {
    await run('ACL', 'SETUSER', 'bound', 'on', '>secret', '~*', '+@all', '-select');
    const prefix = newPrefix();
    const store = createRedisStore({ url: withUser('bound', 'secret', '/1'), prefix });
    await expect(store.open()).rejects.toThrow(/NOPERM/);
    expect(await run('EXISTS', `{${prefix}}:schema`)).toBe(0);
  });

  it('is checked again after each reconnect', async () => {
    await run('ACL', 'SETUSER', 'later', 'on', '>secret', '~*', '+@all');
    const prefix = newPrefix();
    const store = createRedisStore({ url: withUser('later', 'secret', '/1'), prefix });
    await store.open();
    await store.write([insertOf('a')]);
    await run('ACL', 'SETUSER', 'later', '-select');
    await run('CLIENT', 'KILL', 'USER', 'later');
    await vi.waitFor(() => expect(store.write([insertOf('b')])).rejects.toThrow(/NOPERM/), WAIT);
    expect(await run('EXISTS', `{${prefix}}:schema`)).toBe(0);
    await run('ACL', 'SETUSER', 'later', '+select');
    expect(await store.write([insertOf('b')])).toMatchObject([{ kind: 'applied' }]);
    await store.close();
  });

  it('is rejected on a replica, even a writable one: the next synchronisation would undo its writes', async () => {
    const { port } = new URL(url());
    const replica = await startRedis({
      settings: ['--replicaof', `127.0.0.1 ${port}`, '--replica-read-only', 'no'],
    });
    if (replica === undefined) throw new Error('Redis is not installed');
    try {
      await vi.waitFor(
        async () => expect(await runAt(replica.url, 'INFO', 'replication')).toMatch(/master_link_status:up/),
        WAIT,
      );
      const store = createRedisStore({ url: replica.url, prefix: newPrefix() });
      await expect(store.open()).rejects.toThrow(/replica.*connect to the primary/);
    } finally {
      await replica.stop();
    }
  });

  it('goes over a socket of this machine, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-socket-'));
    const path = join(folder, 's');
    const { port } = new URL(url());
    const bridge: Server = createServer((client) => {
      const server = connect(Number(port), '127.0.0.1');
      client.pipe(server).pipe(client);
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
    }).listen(path);
    await once(bridge, 'listening');
    try {
      for (const scheme of ['unix', 'redis+unix']) {
        const prefix = newPrefix();
        const store = createRedisStore({ url: `${scheme}://${path}?db=2`, prefix });
        await store.open();
        await store.write([insertOf('a')]);
        await store.close();
        expect(await runAt(`${url()}/2`, 'EXISTS', `{${prefix}}:schema`)).toBe(1);
      }
    } finally {
      bridge.close();
      await rm(folder, { recursive: true });
    }
  });
});

describeWith(['redis-server'], 'a node of a Redis Cluster', () => {
  const { url, run } = useServer({ settings: ['--cluster-enabled', 'yes'] });

  it('that does not have the keys is rejected, and the error states the fix', async () => {
    await expect(createRedisStore({ url: url(), prefix: newPrefix() }).open()).rejects.toThrow(
      /Redis Cluster.*not part of a cluster/,
    );
  });

  it('that has them is used', async () => {
    await run('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await vi.waitFor(async () => expect(await run('CLUSTER', 'INFO')).toMatch(/cluster_state:ok/), WAIT);
    const store = createRedisStore({ url: url(), prefix: newPrefix() });
    await store.open();
    expect(await store.write([insertOf('a')])).toMatchObject([{ kind: 'applied' }]);
    await store.close();
  });
});
