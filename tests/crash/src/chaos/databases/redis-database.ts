import { startRedis } from '@holdfast/testing/servers';
import { Redis } from 'ioredis';
import { type ChaosDatabase, oneOf } from './chaos-database.ts';
import { ACCOUNTS, type Entry, OPENING_BALANCE } from './ledger.ts';
import { accountKey, CLIENT_NAME, ENTRIES } from './redis-ledger.ts';

/** A private Redis; undefined when it is not installed. */
export async function startRedisDatabase(): Promise<ChaosDatabase | undefined> {
  const server = await startRedis({ appendFsync: 'always' });
  if (server === undefined) return undefined;
  process.once('exit', () => void server.kill());
  const client = new Redis(server.url);
  const numbers = Array.from({ length: ACCOUNTS }, (_, account) => account);
  for (const account of numbers) await client.hset(accountKey(account), { balance: OPENING_BALANCE, frozen: 0 });
  return {
    url: server.url,
    async terminateOne(random) {
      const connections = String(await client.client('LIST')).split('\n');
      const named = connections.filter((line) => line.includes(` name=${CLIENT_NAME} `));
      const id = /^id=(\d+) /.exec(oneOf(named, random) ?? '')?.[1];
      return id !== undefined && Number(await client.call('CLIENT', 'KILL', 'ID', id)) > 0;
    },
    async read() {
      const entries = await client.lrange(ENTRIES, 0, -1);
      const accounts = await Promise.all(numbers.map((account) => client.hgetall(accountKey(account))));
      return {
        entries: entries.map((text) => JSON.parse(text) as Entry),
        accounts: accounts.map(({ balance, frozen }) => ({ balance: Number(balance), frozen: Number(frozen) })),
        prepared: [],
      };
    },
    async close() {
      client.disconnect();
      await server.stop();
    },
  };
}
