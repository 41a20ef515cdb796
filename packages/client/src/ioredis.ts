import type { Cluster, Redis } from 'ioredis';
import { RedisBarrier, type RedisBarrierOptions } from './barrier/redis-barrier.ts';

export { RedisWorkFailed } from './barrier/redis-errors.ts';
export type { RedisBarrier, RedisBarrierOptions } from './barrier/redis-barrier.ts';
export type { RedisArgument, RedisCommand, RedisTx } from './barrier/redis-tx.ts';

/**
 * The branch barrier in Redis over a client of `ioredis`: what its work queues and the record that
 * it was done are one script call.
 *
 *     app.post('/take', branch(redisBarrier(redis), (call, tx) => {
 *       tx.check("if tonumber(redis.call('GET', KEYS[1]) or 0) < 1 then refuse('sold out') end", ['stock']);
 *       tx.call('DECR', 'stock');
 *     }))
 *
 * It holds as long as Redis keeps its keys: `maxmemory-policy noeviction`, and `appendfsync always`
 * if a crash must not forget a second's work. A client's own `keyPrefix` stands before the
 * barrier's keys and those of the work.
 */
export function redisBarrier(client: Redis | Cluster, options?: RedisBarrierOptions): RedisBarrier {
  return new RedisBarrier(
    {
      client,
      evalSha: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
      eval: (lua, keys, args) => client.eval(lua, keys.length, ...keys, ...args),
      isReply: (error) => error instanceof Error && error.name === 'ReplyError',
    },
    options,
  );
}
