import { ErrorReply } from 'redis';
import { RedisBarrier, type RedisBarrierOptions } from './barrier/redis-barrier.ts';

export { RedisWorkFailed } from './barrier/redis-errors.ts';
export type { RedisBarrier, RedisBarrierOptions } from './barrier/redis-barrier.ts';
export type { RedisArgument, RedisCommand, RedisTx } from './barrier/redis-tx.ts';

interface Parameters {
  readonly keys: string[];
  readonly arguments: (string | Buffer)[];
}

/** A client, cluster or pool of `redis` (node-redis), whatever its modules and reply types. */
export interface RedisClient {
  evalSha(sha: string, parameters: Parameters): Promise<unknown>;
  eval(lua: string, parameters: Parameters): Promise<unknown>;
}

/**
 * The branch barrier in Redis over a client of `redis` (node-redis): the commands that the work
 * queues and the record of the call are applied by one script call.
 *
 *     const inStock = `if tonumber(redis.call('GET', KEYS[1]) or 0) < 1 then
 *       refuse('sold out')
 *     end`;
 *     app.post('/take', branch(redisBarrier(client), (call, tx) => {
 *       tx.check(inStock, ['stock']);
 *       tx.call('DECR', 'stock');
 *     }))
 *
 * The barrier protects as long as Redis keeps its keys: set `maxmemory-policy noeviction`, and
 * `appendfsync always` if a crash must not lose a second's work.
 */
export function redisBarrier(client: RedisClient, options?: RedisBarrierOptions): RedisBarrier {
  return new RedisBarrier(
    {
      client,
      evalSha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
      eval: (lua, keys, args) => client.eval(lua, { keys: [...keys], arguments: [...args] }),
      isReply,
    },
    options,
  );
}

/**
 * Also recognises the error by its name: the application's client may come from another copy or
 * version of `redis` than the one imported here.
 */
function isReply(error: unknown): boolean {
  if (error instanceof ErrorReply) return true;
  for (let kind: unknown = error; typeof kind === 'object' && kind !== null; kind = Object.getPrototypeOf(kind))
    if (Object.hasOwn(kind, 'constructor') && kind.constructor.name === 'ErrorReply') return true;
  return false;
}
