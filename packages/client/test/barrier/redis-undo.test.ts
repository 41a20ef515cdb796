import { BranchFailure } from '@holdfast/protocol';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { BranchKey } from '../../src/barrier/barrier.ts';
import { RedisWorkFailed } from '../../src/barrier/redis-errors.ts';
import type { RedisArgument, RedisCommand, RedisTx } from '../../src/barrier/redis-tx.ts';
import { redisBarrier } from '../../src/ioredis.ts';
import { contentsOf, openRedisWorld, type RedisWorld } from './redis-world.ts';

const CALL: BranchKey = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' };

/**
 * A failed Redis script keeps its earlier writes. The barrier must restore them, which these tests
 * prove.
 */
describeWith(['redis-server'], 'the writes of a Redis barrier, when one of them fails', () => {
  let world: RedisWorld;
  beforeAll(async () => {
    world = await openRedisWorld();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    const { look } = world;
    await look.flushall();
    await look.set('text', Buffer.from([0, 1, 2, 255, 13, 10]));
    await look.set('number', '41', 'PX', 3_600_000);
    await look.hset('hash', { a: '1', b: 'x' });
    await look.rpush('list', 'a', 'b', 'c');
    await look.sadd('set', 'a', 'b');
    await look.zadd('scores', 1, 'a', 2.5, 'b');
    await look.xadd('stream', '1-1', 'field', 'value');
  });

  /** Runs the work, and expects that Redis holds exactly the same contents as before. */
  async function changesNothing(work: (tx: RedisTx) => void, options = {}): Promise<unknown> {
    const before = await contentsOf(world.look);
    const error: unknown = await world.barriers
      .ioredis(options)
      .run({ ...CALL }, work)
      .then(
        () => 'no error',
        (thrown: unknown) => thrown,
      );
    expect(await contentsOf(world.look)).toEqual(before);
    return error;
  }

  const failing = { applied: 'nothing', code: 'redis_work_failed' };

  it('a command on a key of the wrong type in the middle undoes all writes', async () => {
    const error = await changesNothing((tx) => {
      tx.call('INCR', 'number');
      tx.call('PERSIST', 'number');
      tx.call('SET', 'fresh', 'new');
      tx.call('LPUSH', 'hash', 'x');
      tx.call('SET', 'later', 'new');
    });
    expect(error).toBeInstanceOf(RedisWorkFailed);
    expect(error).toMatchObject({ ...failing, message: expect.stringContaining('WRONGTYPE') as string });
  });

  it('the last command, whose key is not copied, also undoes all writes', async () => {
    expect(
      await changesNothing((tx) => {
        tx.call('DEL', 'list');
        tx.call('INCRBY', 'text', 1);
      }),
    ).toMatchObject(failing);
  });

  it('a script that fails after its writes undoes all writes', async () => {
    const error = await changesNothing((tx) => {
      tx.call('HSET', 'hash', 'a', 2);
      tx.eval(
        "redis.call('ZADD', KEYS[1], 9, 'z') redis.call('DEL', KEYS[2]) refuse('sold out: ' .. ARGV[1])",
        ['scores', 'stream'],
        ['12A'],
      );
    });
    expect(error).toEqual(new BranchFailure('sold out: 12A'));
  });

  it.each([
    ['fails', "redis.call('DEL', KEYS[1]) redis.call('INCR', KEYS[2])"],
    ['answers an error', "redis.call('DEL', KEYS[1]) return redis.error_reply('no')"],
    ['has a defect', "redis.call('DEL', KEYS[1]) local x = nil; x.y = 1"],
    ['calls a command that does not exist', "redis.call('DEL', KEYS[1]) redis.call('NOPE', KEYS[1])"],
    ['calls with too few arguments', "redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[2])"],
  ])('a script that %s takes all back', async (_what, lua) => {
    expect(await changesNothing((tx) => tx.eval(lua, ['list', 'hash']))).toMatchObject(failing);
  });

  it('Lua that cannot be compiled is not started', async () => {
    const error = await changesNothing((tx) => {
      tx.call('DEL', 'list');
      tx.eval('this is no Lua', []);
    });
    expect(String(error)).toContain('compiling');
  });

  it('a check comes before all writes, and cannot write', async () => {
    const refused = await changesNothing((tx) => {
      tx.call('DEL', 'list');
      tx.check("if redis.call('LLEN', KEYS[1]) == 3 then refuse('still three') end", ['list']);
    });
    expect(refused).toEqual(new BranchFailure('still three'));
    const wrote = await changesNothing((tx) => tx.check("redis.call('DEL', KEYS[1])", ['list']));
    expect(wrote).toMatchObject({ ...failing, message: expect.stringContaining('only reads') as string });
  });

  it('a key too large to be copied is written by the last command only', async () => {
    const small = { maxCopyBytes: 2_000 };
    await world.look.set('big', 'x'.repeat(4_000));
    const first = await changesNothing((tx) => {
      tx.call('INCR', 'number');
      tx.call('APPEND', 'big', 'y');
      tx.call('INCR', 'number');
    }, small);
    expect(first).toMatchObject({ ...failing, message: expect.stringContaining('big') as string });
    await world.barriers.ioredis(small).run(CALL, (tx) => {
      tx.call('INCR', 'number');
      tx.call('APPEND', 'big', 'y');
    });
    expect([await world.look.get('number'), await world.look.strlen('big')]).toEqual(['42', 4_001]);
  });

  it('Redis without free memory rejects the script before the first write', async () => {
    await world.look.config('SET', 'maxmemory', '1');
    onTestFinished(async () => void (await world.look.config('SET', 'maxmemory', '0')));
    const error = await changesNothing((tx) => {
      tx.call('DEL', 'list');
      tx.call('SET', 'fresh', 'new');
    });
    expect(String(error)).toContain('OOM');
  });

  it.each([
    ['one of the commands', ['+@all', '-lpush', '~*'], "can't run this command"],
    ['one of the keys', ['+@all', '~g-*', '~hash', '~fresh', '%R~list'], 'permissions'],
    ['put copies back', ['+@all', '-restore', '~*'], 'no permission to put a copy back'],
    ['take back the record', ['+@all', '-del', '~*'], 'no permission to put a copy back: DEL g-01-action-01'],
    ['take back what is new', ['+@all', '-del', '~*', '(+del ~g-*)'], 'no permission to put a copy back: DEL hash'],
  ])('a user without the right to %s changes nothing', async (_what, rights, words) => {
    await world.look.call('ACL', 'SETUSER', 'clerk', 'reset', 'on', '>secret', ...rights);
    const before = await contentsOf(world.look);
    const client = new Redis(Number(new URL(world.server.url).port), { username: 'clerk', password: 'secret' });
    onTestFinished(() => client.disconnect());
    const refused = redisBarrier(client).run(CALL, (tx) => {
      tx.call('HSET', 'hash', 'a', 2);
      tx.call('SET', 'fresh', 'new');
      tx.call('LPUSH', 'list', 'x');
    });
    await expect(refused).rejects.toThrow(words);
    expect(await contentsOf(world.look)).toEqual(before);
  });

  it('a failing command undoes any commands queued before it', async () => {
    const keys = ['text', 'number', 'hash', 'list', 'set', 'scores', 'stream', 'absent'];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(WRITES, fc.constantFrom(...keys)), { maxLength: 12 }), async (steps) => {
        const error = await changesNothing((tx) => {
          for (const [[command, args], key] of steps) tx.call(command, key, ...args);
          tx.eval("redis.call('DEL', KEYS[1]) refuse('no')", ['number']);
        });
        expect(error === 'no error').toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('without a failure, all commands are applied in their order', async () => {
    await world.barriers.redis().run(CALL, (tx) => {
      tx.call('SET', 'number', 1);
      tx.eval("redis.call('SET', KEYS[1], redis.call('GET', KEYS[1]) * 10 + ARGV[1])", ['number'], [5]);
      tx.call('APPEND', 'number', '0');
      tx.call('SET', 'bytes', Buffer.from([0, 255]));
    });
    expect(await world.look.get('number')).toBe('150');
    expect(await world.look.getBuffer('bytes')).toEqual(Buffer.from([0, 255]));
  });

  it('rejects a command that may write other keys, an increment that is not a number, and any command after the work', async () => {
    let kept: RedisTx | undefined;
    await world.barriers.ioredis().run(CALL, (tx) => {
      kept = tx;
      expect(() => tx.call('RENAME' as RedisCommand, 'a', 'b')).toThrow(TypeError);
      expect(() => tx.call('DEL', 'a', 'b')).toThrow(TypeError);
      expect(() => tx.call('INCRBY', 'a', Number.NaN)).toThrow(TypeError);
    });
    expect(() => kept?.call('DEL', 'a')).toThrow(TypeError);
  });
});

type Write = readonly [RedisCommand, readonly RedisArgument[]];

/** Of all types, so that about half of them fail on a key of another one. */
const WRITES = fc.constantFrom<Write>(
  ['SET', ['s', 'PX', 10_000]],
  ['INCR', []],
  ['APPEND', ['x']],
  ['SETRANGE', [3, 'yy']],
  ['HSET', ['a', 5]],
  ['HINCRBY', ['a', 5]],
  ['HDEL', ['a', 'b']],
  ['RPUSH', ['z']],
  ['LPOP', []],
  ['SADD', ['z']],
  ['SREM', ['a', 'b']],
  ['ZADD', [7, 'z']],
  ['ZINCRBY', [0.5, 'a']],
  ['XADD', ['*', 'f', 'v']],
  ['XDEL', ['1-1']],
  ['DEL', []],
  ['PEXPIRE', [50_000]],
  ['PEXPIRE', [-1]],
  ['PERSIST', []],
);
