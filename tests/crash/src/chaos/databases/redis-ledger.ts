import { setTimeout as delay } from 'node:timers/promises';
import { redisBarrier as ioredisBarrier } from '@holdfast/client/ioredis';
import { redisBarrier as nodeRedisBarrier } from '@holdfast/client/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisTx } from '@holdfast/client/redis';
import { deltaOf, type Ledger } from './ledger.ts';

/** Key of the list of entries. */
export const ENTRIES = 'entries';
/** Key of an account. */
export const accountKey = (account: number): string => `account:${account}`;
/** Name of the connections that a run ends at random. */
export const CLIENT_NAME = 'chaos';

/** Which client library a process uses. */
export type RedisLibrary = 'ioredis' | 'redis';

/** @param url through the proxy @param directUrl past it */
export async function openRedisLedger(url: string, directUrl: string, library: RedisLibrary): Promise<Ledger<RedisTx>> {
  const { barrier, ownId } = library === 'ioredis' ? openIoredis(url) : await openNodeRedis(url);
  const operator = new Redis(directUrl);
  operator.on('error', () => undefined);
  return {
    barrier,
    xa: undefined,
    async apply(tx, { gid, step, op, changes }, holdMs) {
      await delay(holdMs);
      for (const { account, amount } of changes) {
        const { balance, frozen } = deltaOf(op, amount);
        tx.call('HINCRBY', accountKey(account), 'balance', balance);
        tx.call('HINCRBY', accountKey(account), 'frozen', frozen);
      }
      tx.call('RPUSH', ENTRIES, JSON.stringify({ gid, step, op, changes }));
    },
    terminate: async () => void (await operator.call('CLIENT', 'KILL', 'ID', await ownId())),
    lossOf: () => undefined,
  };
}

function openIoredis(url: string) {
  const client = new Redis(url, { connectionName: CLIENT_NAME, commandTimeout: 5_000, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  return { barrier: ioredisBarrier(client), ownId: async () => String(await client.client('ID')) };
}

async function openNodeRedis(url: string) {
  const client = createClient({ url, name: CLIENT_NAME, socket: { reconnectStrategy: () => 50 } });
  client.on('error', () => undefined);
  await client.connect();
  return {
    barrier: nodeRedisBarrier(client),
    ownId: async () => String(Number(await client.sendCommand(['CLIENT', 'ID']))),
  };
}
