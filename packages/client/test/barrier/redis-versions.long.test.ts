import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { barrierSuite } from '@holdfast/conformance';
import { type DatabaseServer, startRedis } from '@holdfast/testing/servers';
import type * as ioredis from 'ioredis';
import type * as nodeRedis from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { RedisBarrier } from '../../src/barrier/redis-barrier.ts';
import type { RedisTx } from '../../src/barrier/redis-tx.ts';
import { redisBarrier as ioredisBarrier } from '../../src/ioredis.ts';
import { redisBarrier as nodeRedisBarrier, RedisWorkFailed } from '../../src/redis.ts';

const load = createRequire(import.meta.url);

/** A barrier over one kind of client, and a second connection to read what the barrier wrote. */
interface Client {
  readonly barrier: RedisBarrier;
  readonly get: (key: string) => Promise<string | null>;
  readonly close: () => void;
}

/** All keys of a call are in one slot of a cluster. */
const OPTIONS = { keyPrefix: '{bank}:' };

/**
 * Kinds of clients, of the oldest and of the newest version. The adapters are those of the newest.
 */
const CLIENTS: Record<string, { cluster: boolean; open: (url: string) => Promise<Client> }> = {};
for (const version of ['ioredis-oldest', 'ioredis']) {
  // The oldest version has the class as its default export alone.
  const library = load(version) as Pick<typeof ioredis, 'Cluster'> & {
    readonly Redis?: typeof ioredis.Redis;
    readonly default: typeof ioredis.Redis;
  };
  const [Redis, { Cluster }] = [library.Redis ?? library.default, library];
  const clientOf = (redis: ioredis.Redis | ioredis.Cluster): Client => ({
    barrier: ioredisBarrier(redis, OPTIONS),
    get: (key) => redis.get(key),
    close: () => redis.disconnect(),
  });
  CLIENTS[`${version}: Redis`] = { cluster: false, open: async (url) => clientOf(new Redis(url)) };
  CLIENTS[`${version}: Cluster`] = { cluster: true, open: async (url) => clientOf(new Cluster([url])) };
}
for (const version of ['redis-oldest', 'redis']) {
  const { createClient, createCluster, ...library } = load(version) as typeof nodeRedis;
  CLIENTS[`${version}: client`] = {
    cluster: false,
    open: async (url) => {
      const client = await createClient({ url }).connect();
      const get = (key: string) => client.get(key);
      return { barrier: nodeRedisBarrier(client, OPTIONS), get, close: () => client.destroy() };
    },
  };
  // The oldest version has no pool.
  const createPool = library.createClientPool as typeof nodeRedis.createClientPool | undefined;
  if (createPool !== undefined)
    CLIENTS[`${version}: pool`] = {
      cluster: false,
      open: async (url) => {
        const pool = createPool({ url });
        await pool.connect();
        const get = (key: string) => pool.get(key);
        return { barrier: nodeRedisBarrier(pool, OPTIONS), get, close: () => pool.destroy() };
      },
    };
  CLIENTS[`${version}: cluster`] = {
    cluster: true,
    open: async (url) => {
      const cluster = await createCluster({ rootNodes: [{ url }] }).connect();
      const get = (key: string) => cluster.get(key);
      return { barrier: nodeRedisBarrier(cluster, OPTIONS), get, close: () => cluster.destroy() };
    },
  };
}

describeWith(['redis-server'], 'clients of Redis', () => {
  const servers: DatabaseServer[] = [];
  const urls = new Map<boolean, string>();
  beforeAll(async () => {
    for (const cluster of [false, true]) {
      const settings = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
      const server = await startRedis(cluster ? { settings } : {});
      if (server === undefined) throw new Error('redis-server was there a moment ago');
      servers.push(server);
      urls.set(cluster, server.url);
      if (!cluster) continue;
      const { Redis } = load('ioredis') as typeof ioredis;
      const look = new Redis(server.url);
      await look.cluster('ADDSLOTSRANGE', 0, 16_383);
      await vi.waitFor(async () => expect(await look.cluster('INFO')).toContain('cluster_state:ok'), 10_000);
      look.disconnect();
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  describe.each(Object.entries(CLIENTS))('%s', (name, { cluster, open }) => {
    let client: Client;
    beforeAll(async () => {
      client = await open(urls.get(cluster) ?? '');
    });
    afterAll(() => client.close());

    barrierSuite({
      name,
      test: { describe, it },
      createPlace: async () => {
        const number = `{bank}:number-${randomUUID()}`;
        return {
          barrier: client.barrier,
          add: (tx: RedisTx, amount: number) => tx.call('INCRBY', number, amount),
          read: async () => Number((await client.get(number)) ?? 0),
          remove: async () => {},
        };
      },
    });

    it('an error that Redis returns does not put the commit in doubt', async () => {
      const call = { gid: randomUUID(), transType: 'saga', branchId: '01', op: 'action' } as const;
      const failing = client.barrier.run(call, (tx) => {
        tx.call('SET', '{bank}:text', 'x');
        tx.call('INCRBY', '{bank}:text', 1);
      });
      await expect(failing).rejects.toBeInstanceOf(RedisWorkFailed);
      // Keys in two slots, or a key of the wrong type as an argument of the script: Redis itself
      // rejects the call.
      const refused = client.barrier.run({ ...call, branchId: '02' }, (tx) => tx.call('SET', 'elsewhere', 'x'));
      if (cluster) await expect(refused).rejects.toThrow(/slot/i);
      if (cluster) await expect(refused).rejects.not.toMatchObject({ code: 'commit_unknown' });
      else await refused;
    });
  });
});
