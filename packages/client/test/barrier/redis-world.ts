import { type DatabaseServer, startRedis } from '@holdfast/testing/servers';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { redisBarrier as ioredisBarrier } from '../../src/ioredis.ts';
import { redisBarrier as nodeRedisBarrier } from '../../src/redis.ts';
import type { RedisBarrier, RedisBarrierOptions } from '../../src/barrier/redis-barrier.ts';

/** A private Redis, a separate client that reads its contents, and barriers over both libraries. */
export interface RedisWorld {
  readonly server: DatabaseServer;
  readonly look: Redis;
  readonly barriers: Readonly<Record<Library, (options?: RedisBarrierOptions) => RedisBarrier>>;
  close(): Promise<void>;
}

export const LIBRARIES = ['ioredis', 'redis'] as const;
export type Library = (typeof LIBRARIES)[number];

export async function openRedisWorld(): Promise<RedisWorld> {
  const server = await startRedis();
  if (server === undefined) throw new Error('redis-server was there a moment ago');
  const look = new Redis(server.url);
  const ioredis = new Redis(server.url);
  const nodeRedis = createClient({ url: server.url });
  // Lost connections are reported by the calls in flight.
  for (const client of [look, ioredis, nodeRedis]) client.on('error', () => {});
  await nodeRedis.connect();
  return {
    server,
    look,
    barriers: {
      ioredis: (options) => ioredisBarrier(ioredis, options),
      redis: (options) => nodeRedisBarrier(nodeRedis, options),
    },
    close: async () => {
      look.disconnect();
      ioredis.disconnect();
      nodeRedis.destroy();
      await server.stop();
    },
  };
}

/** Everything that Redis holds: key → its contents and when it expires. */
export async function contentsOf(look: Redis): Promise<Record<string, string>> {
  const keys = (await look.keys('*')).sort();
  const entries = keys.map(async (key) => {
    const [held, expiresAtMs] = await Promise.all([heldBy(look, key), look.call('PEXPIRETIME', key)]);
    return [key, `${held} until ${String(expiresAtMs)}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The serialized value of a key; sets are sorted, because they have no order. */
async function heldBy(look: Redis, key: string): Promise<string> {
  if ((await look.type(key)) === 'set') return `set ${(await look.smembers(key)).sort().join(' ')}`;
  return (await look.dumpBuffer(key)).toString('hex');
}
