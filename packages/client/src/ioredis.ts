import type { Cluster, Redis } from 'ioredis';
import { RedisBarrier, type RedisBarrierOptions } from './barrier/redis-barrier.ts';

export { RedisWorkFailed } from './barrier/redis-errors.ts';
export type { RedisBarrier, RedisBarrierOptions } from './barrier/redis-barrier.ts';
export type { RedisArgument, RedisCommand, RedisTx } from './barrier/redis-tx.ts';

/**
 * The branch barrier in Redis over a client of `ioredis`: the commands that the work queues and the
 * record of the call are applied by one script call.
 *
 *     const inStock = `if tonumber(redis.call('GET', KEYS[1]) or 0) < 1 then
 *       refuse('sold out')
 *     end`;
 *     app.post('/take', branch(redisBarrier(redis), (call, tx) => {
 *       tx.check(inStock, ['stock']);
 *       tx.call('DECR', 'stock');
 *     }))
 *
 * The barrier protects as long as Redis keeps its keys: set `maxmemory-policy noeviction`, and
 * `appendfsync always` if a crash must not lose a second's work. The client's `keyPrefix` is
 * prepended to the keys of the barrier and of the work.
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
