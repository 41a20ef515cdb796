import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ConnectedFault, FaultEffect, FaultTools, FaultyDatabase } from './faulty-database.ts';
import { killRepeatedly, once } from './hold.ts';

const POLL_MS = 20;
const ADD_FIELD = `local changed = 0
for _, key in ipairs(redis.call('keys', '*')) do
  if redis.call('type', key).ok == 'hash' then
    redis.call('hset', key, ARGV[1], '')
    changed = changed + 1
  end
end
return changed`;

let fields = 0;

/** Faults of Redis. */
export function redisFaults(url: string): FaultyDatabase {
  const connected = async <T>(body: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(url, { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await body(client);
    } finally {
      client.disconnect();
    }
  };

  /** All clients wait, also this one. */
  const pause = (lastsMs: number): Promise<FaultEffect> =>
    connected(async (client) => {
      const sentMs = Date.now();
      await client.call('CLIENT', 'PAUSE', String(lastsMs), 'ALL');
      const fromMs = Date.now();
      await client.ping();
      const hits = Date.now() - fromMs;
      // Other clients may be served before this one when the pause ends.
      return { fromMs, untilMs: sentMs + lastsMs, hits, what: 'ms for which all clients were paused' };
    });

  const kill = async (client: Redis): Promise<number> => {
    const own = await client.client('ID');
    const list = String(await client.client('LIST')).split('\n');
    const ids = list.flatMap((line) => /^id=(\d+) /.exec(line)?.[1] ?? []);
    const chosen = ids.filter((id) => id !== String(own) && Math.random() < 0.4);
    let killed = 0;
    for (const id of chosen) killed += Number(await client.call('CLIENT', 'KILL', 'ID', id));
    return killed;
  };

  const rewrite = async (client: Redis): Promise<number> => {
    await client.bgrewriteaof();
    while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info('persistence'))) await delay(POLL_MS);
    return 1;
  };

  const carryOut = (kind: ConnectedFault, { lastsMs }: FaultTools): Promise<FaultEffect> => {
    switch (kind) {
      case 'locked-tables':
        return pause(lastsMs);
      case 'killed-connections':
        return connected((client) => killRepeatedly(() => kill(client)));
      case 'added-columns': {
        const name = `later_${++fields}`;
        return connected((client) =>
          once(async () => Number(await client.eval(ADD_FIELD, 0, name)), 'records got a field'),
        );
      }
      case 'rewritten-tables':
        return connected((client) => once(() => rewrite(client), 'file rewritten'));
      case 'flushed-scripts':
        return connected((client) =>
          once(async () => Number((await client.script('FLUSH')) === 'OK'), 'flush of the scripts'),
        );
      case 'locked-records':
      case 'locked-session':
      case 'locked-key-values':
        throw new RangeError('Redis has no locks that outlast a command');
    }
  };
  const nowMs = (): Promise<number> =>
    connected(async (client) => {
      const [seconds] = await client.time();
      return Number(seconds) * 1000;
    });
  return { carryOut, nowMs, shutDownSignal: 'SIGTERM' };
}
