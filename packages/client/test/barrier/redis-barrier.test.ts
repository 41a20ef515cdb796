import { BranchFailure } from '@holdfast/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { type BranchKey, CommitUnknown } from '../../src/barrier/barrier.ts';
import { RedisBarrier, type RedisScripts } from '../../src/barrier/redis-barrier.ts';
import type { RedisTx } from '../../src/barrier/redis-tx.ts';
import { LIBRARIES, openRedisWorld, type RedisWorld } from './redis-world.ts';

const ACTION: BranchKey = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' };
const COMPENSATE: BranchKey = { ...ACTION, op: 'compensate' };
const CANCEL: BranchKey = { ...ACTION, transType: 'tcc', op: 'cancel' };

const SEVEN_DAYS_MS = 7 * 24 * 3_600_000;

const take = (tx: RedisTx) => {
  tx.check(
    "if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then refuse('too little') end",
    ['acc'],
    [30],
  );
  tx.call('DECRBY', 'acc', 30);
};
const giveBack = (tx: RedisTx) => tx.call('INCRBY', 'acc', 30);

describeWith(['redis-server'], 'the Redis barrier', () => {
  let world: RedisWorld;
  beforeAll(async () => {
    world = await openRedisWorld();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.look.flushall();
    await world.look.set('acc', 100);
  });
  const balance = async () => Number(await world.look.get('acc'));

  describe.each(LIBRARIES)('over %s', (library) => {
    const barrierOf = () => world.barriers[library]();

    it('leaves nothing behind when a check fails, so that the compensation is an empty one', async () => {
      const barrier = barrierOf();
      await world.look.set('acc', 10);
      await expect(barrier.run({ ...ACTION }, take)).rejects.toEqual(new BranchFailure('too little'));
      expect(await world.look.keys('*')).toEqual(['acc']);
      expect(await barrier.run(COMPENSATE, giveBack)).toEqual({ ran: false, why: 'empty' });
      expect(await balance()).toBe(10);
    });

    // Each of them has no op that undoes it, so that the keys of its work follow its own two.
    it.each([
      ['a confirm', { ...ACTION, transType: 'tcc', op: 'confirm' }],
      ['the step of a message', { ...ACTION, transType: 'msg' }],
    ] as const)('%s writes a key of any type and content', async (_, call) => {
      const barrier = barrierOf();
      await world.look.hset('account', 'balance', 1);
      await world.look.set('note', 'as in ["x","01"]');
      const book = (tx: RedisTx) => tx.call('HINCRBY', 'account', 'balance', 5);
      const note = (tx: RedisTx) => tx.call('APPEND', 'note', '!');
      expect(await barrier.run({ ...call }, book)).toMatchObject({ ran: true });
      expect(await barrier.run({ ...call }, book)).toMatchObject({ ran: false, why: 'repeated' });
      expect(await barrier.run({ ...call, branchId: '02' }, note)).toMatchObject({ ran: true });
      expect(await world.look.hget('account', 'balance')).toBe('6');
      expect(await world.look.get('note')).toBe('as in ["x","01"]!');
    });

    it('the local transaction of a message writes a key of any type and content', async () => {
      const barrier = barrierOf();
      await world.look.hset('account', 'balance', 1);
      await world.look.set('note', 'as in ["x","01"]');
      await barrier.message('m', (tx) => tx.call('HINCRBY', 'account', 'balance', 5));
      await barrier.message('n', (tx) => tx.call('APPEND', 'note', '!'));
      expect(await world.look.hget('account', 'balance')).toBe('6');
      expect(await world.look.get('note')).toBe('as in ["x","01"]!');
      expect(await barrier.checkBack('m')).toBe('committed');
    });

    it("leaves dtm's keys behind and honours those that dtm's clients left", async () => {
      const barrier = barrierOf();
      await barrier.run(ACTION, take);
      await barrier.run({ ...CANCEL, gid: 'h' }, giveBack);
      await barrier.checkBack('m');
      expect((await world.look.keys('*')).sort()).toEqual(
        ['acc', 'g-01-action-01', 'h-01-cancel-01', 'h-01-try-01', 'm-00-msg-01'].sort(),
      );
      expect(await world.look.mget('h-01-try-01', 'm-00-msg-01')).toEqual(['rollback ["h","01"]', 'rollback']);
      const lives = await Promise.all((await world.look.keys('*-*')).map((key) => world.look.pttl(key)));
      expect(Math.min(...lives)).toBeGreaterThan(SEVEN_DAYS_MS - 60_000);
      expect(Math.max(...lives)).toBeLessThanOrEqual(SEVEN_DAYS_MS);

      await world.look.mset('go-01-action-01', 'op', 'go-00-msg-01', 'op');
      expect(await barrier.run({ ...ACTION, gid: 'go' }, take)).toEqual({ ran: false, why: 'repeated' });
      expect(await barrier.checkBack('go')).toBe('committed');
    });

    it('distinguishes calls whose gid and branch ID have the same concatenation', async () => {
      const barrier = barrierOf();
      const [one, other] = [
        { ...ACTION, gid: 'order-T', branchId: '01-02' },
        { ...ACTION, gid: 'order-T-01', branchId: '02' },
      ];
      await barrier.run(one, take);
      const taken = { code: 'barrier_unusable', message: expect.stringContaining('["order-T","01-02"]') as string };
      await expect(barrier.run(other, take)).rejects.toMatchObject(taken);
      await expect(barrier.run({ ...other, op: 'compensate' }, giveBack)).rejects.toMatchObject(taken);
      expect(await balance()).toBe(70);
      expect(await barrier.run({ ...one, op: 'compensate' }, giveBack)).toMatchObject({ ran: true });
      await expect(barrier.run({ ...other }, take)).rejects.toMatchObject(taken);
      expect(await balance()).toBe(100);
    });

    it('honours the keys of the previous version, which do not name a call', async () => {
      const barrier = barrierOf();
      await world.look.mset(
        'g-01-action-01',
        'op 5e0d3c2a',
        'h-01-cancel-01',
        'op 5e0d3c2b',
        'h-01-try-01',
        'rollback',
      );
      expect(await barrier.run({ ...ACTION }, take)).toEqual({ ran: false, why: 'repeated' });
      expect(await barrier.run({ ...COMPENSATE }, giveBack)).toMatchObject({ ran: true });
      expect(await barrier.run({ ...CANCEL, gid: 'h' }, giveBack)).toEqual({ ran: false, why: 'repeated' });
      await expect(barrier.run({ ...CANCEL, op: 'try', gid: 'h' }, take)).rejects.toThrow('was undone before');
    });

    it('does not carry out a call whose key expired before the key of its compensation', async () => {
      const barrier = barrierOf();
      await barrier.run({ ...ACTION }, take);
      await barrier.run({ ...COMPENSATE }, giveBack);
      await world.look.del('g-01-action-01');
      await expect(barrier.run({ ...ACTION }, take)).rejects.toThrow('was undone before');
      expect(await balance()).toBe(100);
    });

    it('does not mistake a check-back for a call', async () => {
      const checking = barrierOf().run({ gid: 'm', transType: 'msg', branchId: '00', op: 'msg' }, take);
      await expect(checking).rejects.toBeInstanceOf(TypeError);
      expect(await balance()).toBe(100);
    });

    it('accepts another prefix and expiry', async () => {
      const keyPrefix = (call: BranchKey) => `{${call.gid}}:`;
      await world.barriers[library]({ keyPrefix, expireAfterMs: 5_000 }).run(ACTION, take);
      const left = await world.look.pttl('{g}:g-01-action-01');
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(5_000);
    });

    it('sends its scripts again when Redis no longer has them', async () => {
      const barrier = barrierOf();
      await barrier.run({ ...ACTION, branchId: '01' }, take);
      await world.look.script('FLUSH');
      await barrier.run({ ...ACTION, branchId: '02' }, take);
      expect(await balance()).toBe(40);
    });

    it('throws an error that Redis returned unchanged, since nothing was committed', async () => {
      await world.look.hset('m-00-msg-01', 'not', 'ours');
      const error: unknown = await barrierOf()
        .message('m', take)
        .catch((thrown: unknown) => thrown);
      expect(error).not.toBeInstanceOf(CommitUnknown);
      expect(String(error)).toContain('WRONGTYPE');
    });
  });

  describe('when the response is lost', () => {
    /**
     * Redis over a connection that loses the response to the n-th call after its execution.
     */
    function losing(nth: number, then: 'fails' | 'is sent again'): RedisScripts {
      let calls = 0;
      const evalLua: RedisScripts['eval'] = async (lua, keys, args) => {
        const result = await world.look.eval(lua, keys.length, ...keys, ...args);
        if (++calls !== nth) return result;
        if (then === 'is sent again') return world.look.eval(lua, keys.length, ...keys, ...args);
        throw new Error('the connection is closed');
      };
      const evalSha = () => Promise.reject(new Error('NOSCRIPT No matching script.'));
      return { client: {}, evalSha, eval: evalLua, isReply: () => false };
    }
    const COMMIT = 2;

    it('a message throws CommitUnknown, and the check-back reports the outcome', async () => {
      const barrier = new RedisBarrier(losing(COMMIT, 'fails'));
      await expect(barrier.message('m', take)).rejects.toBeInstanceOf(CommitUnknown);
      expect([await barrier.checkBack('m'), await balance()]).toEqual(['committed', 70]);
    });

    it('a branch fails without a decision, and its repetition succeeds without an effect', async () => {
      const barrier = new RedisBarrier(losing(COMMIT, 'fails'));
      const error: unknown = await barrier.run({ ...ACTION }, take).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CommitUnknown);
      expect(await barrier.run({ ...ACTION }, take)).toEqual({ ran: false, why: 'repeated' });
      expect(await balance()).toBe(70);
    });

    it('a client library that sends the script again is recognised as a repetition, for messages and branches', async () => {
      const barrier = new RedisBarrier(losing(COMMIT, 'is sent again'));
      expect(await barrier.message('m', (tx) => (take(tx), 'taken'))).toBe('taken');
      const again = new RedisBarrier(losing(COMMIT, 'is sent again'));
      expect(await again.run(ACTION, (tx) => (take(tx), 'taken'))).toEqual({ ran: true, value: 'taken' });
      expect(await balance()).toBe(40);
    });
  });
});
