import type { Store } from '@holdfast/core/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { appendOf, insertOf, updateOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

const STORED = 20_000;
const BATCH = 1_000;
const ALL = { namespace: 'default', limit: 100 };

describeWith(['redis-server'], 'what a call costs on a real server', () => {
  const { url, run } = useServer({ appendFsync: 'everysec' });
  let empty: Store;
  let full: Store;

  beforeAll(async () => {
    [empty, full] = [newPrefix(), newPrefix()].map((prefix) => createRedisStore({ url: url(), prefix })) as [
      Store,
      Store,
    ];
    for (const store of [empty, full]) {
      await store.open();
      await store.openSession('session', { node: 'node', version: '1' });
      // So that no call makes an index empty or new in one of them alone.
      await store.write([insertOf('later', { dueInMs: 3_600_000 }), insertOf('ended', { status: 'succeed' })]);
    }
    // Half of them finished, half of them waiting for later.
    for (let from = 0; from < STORED; from += BATCH)
      await full.write(
        Array.from({ length: BATCH }, (_, i) =>
          insertOf(`stored-${from + i}`, i % 2 === 0 ? { status: 'succeed' } : { dueInMs: 3_600_000 }),
        ),
      );
  });
  afterAll(() => Promise.all([empty.close(), full.close()]));

  /** How often the server ran each command for a call; those of scripts are counted, too. */
  async function commandsOf(call: () => Promise<unknown>): Promise<Record<string, number>> {
    await run('CONFIG', 'RESETSTAT');
    await call();
    const stats = String(await run('INFO', 'commandstats'));
    const counted = [...stats.matchAll(/^cmdstat_([a-z|]+):calls=(\d+)/gm)].map(([, name, calls]) => [
      name,
      Number(calls),
    ]);
    return Object.fromEntries(counted.filter(([name]) => !OURS.has(String(name)))) as Record<string, number>;
  }
  /** Of the test itself, and of scripts that are sent for the first time. */
  const OURS = new Set(['config|resetstat', 'info', 'ping', 'evalsha', 'eval', 'client|setinfo', 'hello']);

  const calls: [string, (store: Store) => Promise<unknown>][] = [
    ['insert', (store) => store.write([insertOf('one'), insertOf('two', { owner: 'session', dueInMs: null })])],
    ['append', (store) => store.write([appendOf('one', 'entry')])],
    ['end', (store) => store.write([updateOf('two', { status: 'succeed' })])],
    ['claim', (store) => store.claimDue({ session: 'session', limit: 10, groups: [] })],
    ['claim when nothing is due', (store) => store.claimDue({ session: 'session', limit: 10, groups: [] })],
    ['versions', (store) => store.versions([insertOf('one').key])],
    ['heartbeat', (store) => store.heartbeat('session')],
    ['sessions', (store) => store.sessions()],
    ['take-over', (store) => store.takeOver({ silenceMs: 60_000, keep: 'session', limit: 100 })],
    ['count', (store) => store.count()],
    ['get', (store) => store.get([insertOf('one').key])],
    ['a page of a list', (store) => store.list({ namespace: 'default', limit: 2 })],
    ['make due when all of it is due sooner', (store) => store.makeDue({ ...ALL, laterThanMs: 7_200_000 })],
    ['purge when nothing is old', (store) => store.purge({ olderThanMs: 3_600_000, limit: 100 })],
  ];

  it.each(calls)('%s: the same commands with 20,000 transactions stored as with none', async (_, call) => {
    const small = await commandsOf(() => call(empty));
    expect(Object.keys(small)).not.toEqual([]);
    expect(await commandsOf(() => call(full))).toEqual(small);
  });

  it('a batch reads and writes a hash an item, and changes each index and count once, however many items it has', async () => {
    /** As many that are new and owned as are ended by their owner. */
    const batchOf = async (count: number): Promise<Record<string, number>> => {
      const gids = Array.from({ length: count }, (_, i) => `${count}-${i}`);
      const owned = { owner: 'session', dueInMs: null };
      await full.write(gids.map((gid) => insertOf(`before ${gid}`, owned)));
      return commandsOf(() =>
        full.write(
          gids.flatMap((gid) => [insertOf(gid, owned), updateOf(`before ${gid}`, { status: 'failed', dueInMs: null })]),
        ),
      );
    };
    await full.write([insertOf('kept', { owner: 'session', dueInMs: null })]);
    const { hset, hmget, ...rest } = await batchOf(1);
    expect({ hset, hmget }).toEqual({ hset: 2, hmget: 1 });
    expect(await batchOf(100)).toEqual({ ...rest, hset: 200, hmget: 100 });
  });

  it('no script runs a command whose work grows with what is stored', async () => {
    const scans = ['keys', 'scan', 'hscan', 'sscan', 'zscan', 'sort', 'lrange'];
    const used = await commandsOf(async () => {
      for (const [, call] of calls) await call(full);
    });
    expect(Object.keys(used).filter((name) => scans.includes(name))).toEqual([]);
  });
});
