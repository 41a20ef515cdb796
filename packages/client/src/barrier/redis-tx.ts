/** An argument of a command or a script. A number is sent as its decimal text. */
export type RedisArgument = string | number | Buffer;

/**
 * Commands that write only the key that is their first argument. For anything else use a script
 * (`eval`), which names its keys.
 */
const COMMANDS = [
  ...(['SET', 'SETEX', 'PSETEX', 'SETNX', 'SETRANGE', 'SETBIT', 'APPEND'] as const),
  ...(['INCR', 'INCRBY', 'INCRBYFLOAT', 'DECR', 'DECRBY'] as const),
  ...(['HSET', 'HSETNX', 'HDEL', 'HINCRBY', 'HINCRBYFLOAT'] as const),
  ...(['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX', 'LPOP', 'RPOP', 'LREM', 'LSET', 'LTRIM', 'LINSERT'] as const),
  ...(['SADD', 'SREM', 'ZADD', 'ZREM', 'ZINCRBY', 'ZREMRANGEBYSCORE', 'ZREMRANGEBYRANK'] as const),
  ...(['XADD', 'XDEL', 'XTRIM', 'PFADD', 'GEOADD'] as const),
  ...(['DEL', 'EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT', 'PERSIST'] as const),
] as const;
export type RedisCommand = (typeof COMMANDS)[number];
const KNOWN: ReadonlySet<string> = new Set(COMMANDS);

const MAX_STEPS = 256;
const MAX_ARGUMENTS = 4_096;

/**
 * The handle with which the work behind a Redis barrier writes. Nothing is sent while the work
 * runs: commands are queued, and applied together with the barrier's keys after the work has
 * returned, in one script call: all of them or none. Therefore nothing can be read through this
 * handle: read beforehand with your client, and verify in a check or a script the conditions that
 * must still hold.
 */
export interface RedisTx {
  /**
   * Queues a command that writes the one key it names. A reply (such as the nil of SET … NX) is
   * ignored; an error undoes everything.
   *
   * @throws {TypeError} the command is not one of those that write only their first argument
   */
  call(command: RedisCommand, key: string, ...args: readonly RedisArgument[]): void;
  /**
   * Queues a condition: Lua that reads `KEYS` and `ARGV` with `redis.call` and rejects with
   * `refuse('why')`, which becomes a `BranchFailure`. All checks run before anything is written.
   */
  check(lua: string, keys: readonly string[], args?: readonly RedisArgument[]): void;
  /**
   * Queues Lua that reads and writes only the `KEYS` it names. The script may call `refuse('why')`
   * at any point, and everything is as before. Its keys are copied before the script runs, which
   * takes time in proportion to their size; for large keys, use a check and commands.
   *
   * The text is compiled and kept by Redis: pass values in `args`, never in the text.
   */
  eval(lua: string, keys: readonly string[], args?: readonly RedisArgument[]): void;
}

interface Step {
  readonly kind: 'call' | 'check' | 'eval';
  /** The command, or the number of the script. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
}

/** The queue behind a `RedisTx`. */
export class RedisQueue implements RedisTx {
  readonly scripts: string[] = [];
  readonly #checks: Step[] = [];
  readonly #writes: Step[] = [];
  #closed = false;

  call(command: RedisCommand, key: string, ...args: readonly RedisArgument[]): void {
    const name = command.toUpperCase();
    if (!KNOWN.has(name)) throw new TypeError(`${command} cannot be queued: it may write other keys, use eval`);
    if (name === 'DEL' && args.length > 0) throw new TypeError('DEL is queued for one key at a time');
    this.#add(this.#writes, 'call', name, [key], args);
  }

  check(lua: string, keys: readonly string[], args: readonly RedisArgument[] = []): void {
    this.#add(this.#checks, 'check', this.#script(lua), keys, args);
  }

  eval(lua: string, keys: readonly string[], args: readonly RedisArgument[] = []): void {
    this.#add(this.#writes, 'eval', this.#script(lua), keys, args);
  }

  /** Closes the queue and returns its contents. */
  close(): { readonly keys: readonly string[]; readonly args: readonly (string | Buffer)[] } {
    this.#closed = true;
    // Checks come first, so that the last step is the last write.
    const steps = [...this.#checks, ...this.#writes];
    return {
      keys: steps.flatMap((step) => step.keys),
      args: steps.flatMap(({ kind, name, keys, args }) => [
        kind,
        name,
        String(keys.length),
        String(args.length),
        ...args,
      ]),
    };
  }

  #script(lua: string): string {
    const known = this.scripts.indexOf(lua);
    return String((known < 0 ? this.scripts.push(lua) - 1 : known) + 1);
  }

  #add(steps: Step[], kind: Step['kind'], name: string, keys: readonly string[], args: readonly RedisArgument[]): void {
    if (this.#closed) throw new TypeError('the work has ended: what it queues must be queued before it returns');
    if (this.#checks.length + this.#writes.length >= MAX_STEPS)
      throw new RangeError(`no more than ${MAX_STEPS} commands and scripts can be queued`);
    if (keys.length + args.length > MAX_ARGUMENTS)
      throw new RangeError(`a command or script takes ${MAX_ARGUMENTS} keys and arguments at most`);
    steps.push({ kind, name, keys: [...keys], args: args.map(text) });
  }
}

function text(argument: RedisArgument): string | Buffer {
  if (typeof argument !== 'number') return argument;
  if (!Number.isFinite(argument)) throw new TypeError(`${argument} is not a number that Redis accepts`);
  return String(argument);
}
