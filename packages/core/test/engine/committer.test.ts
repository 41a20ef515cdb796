import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Committer, type WriteResult } from '../../src/engine/committer.ts';
import { NO_OBSERVER } from '../../src/index.ts';
import type { InsertItem, StoreErrorCode } from '../../src/store/index.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { WritePath } from '../../src/engine/write-path.ts';
import { type Fate, ScriptedStore } from './support/scripted-store.ts';
import { KeptLog } from './support/silence.ts';

const insert = (gid: string, writeId: string, bytes = 1): InsertItem => ({
  kind: 'insert',
  key: { namespace: 'default', gid },
  writeId,
  status: 'prepared',
  owner: null,
  dueInMs: null,
  attention: false,
  state: new Uint8Array(bytes),
  pattern: 'saga',
  group: '',
  definition: new Uint8Array(0),
});

interface Bounds {
  readonly batchItems: number;
  readonly batchBytes: number;
}

/** A committer over a scripted store, and the results of each item. */
function setUp(fates: readonly Fate[] = [], poison: Readonly<Record<string, StoreErrorCode>> = {}, bounds?: Bounds) {
  const clock = new ManualClock();
  const store = new ScriptedStore(fates, new Map(Object.entries(poison)));
  const logger = new KeptLog();
  const committer = new Committer({
    store,
    clock,
    observer: NO_OBSERVER,
    logger,
    writePath: new WritePath({ store, clock, logger, node: 'here' }),
    bounds: bounds ?? { batchItems: 100, batchBytes: 1_000_000 },
  });
  const results = new Map<string, WriteResult['kind'][]>();
  /** Queues an item named after its transaction and its number there, such as `a1`. */
  const queue = (name: string, { persistent = false, bytes = 1 } = {}): void => {
    const gid = name[0] ?? '';
    committer.enqueue(insert(gid, name, bytes), gid, persistent, ({ kind }) =>
      results.set(name, [...(results.get(name) ?? []), kind]),
    );
  };
  const queueAll = (...names: readonly string[]): void => names.forEach((name) => queue(name));
  return { clock, store, committer, results, queue, queueAll };
}

describe('a callback that throws', () => {
  it('prevents neither the results of other items of its batch nor the writing of later items', async () => {
    const { committer, results, queue } = setUp();
    queue('a1');
    committer.enqueue(insert('thrower', 'thrower1'), 'thrower', false, () => {
      throw new Error('a bug of the caller');
    });
    queue('b1');
    await settle();
    queue('c1');
    await settle();
    expect(Object.fromEntries(results)).toEqual({ a1: ['applied'], b1: ['applied'], c1: ['applied'] });
  });
});

describe('group commit', () => {
  it('sends all items of one turn of the event loop in one batch, without a timer', async () => {
    const { store, clock, queueAll } = setUp();
    queueAll('a1', 'b1', 'c1');
    expect(store.batches).toEqual([]);
    await settle();
    expect([store.batches, clock.timers]).toEqual([[['a1', 'b1', 'c1']], 0]);
  });

  it('sends the items queued during a batch as soon as that batch has returned', async () => {
    const { store, committer, queueAll } = setUp(['hang']);
    queueAll('a1');
    await settle();
    queueAll('b1', 'c1');
    await settle();
    expect([store.batches, committer.queued]).toEqual([[['a1']], 2]);
    store.release();
    await settle();
    expect([store.batches, committer.queued]).toEqual([[['a1'], ['b1', 'c1']], 0]);
  });
});

describe('G1: a batch', () => {
  it('contains one item per transaction, in the order of queueing', async () => {
    const { store, queueAll } = setUp();
    queueAll('a1', 'b1', 'a2', 'a3', 'c1', 'b2');
    await settle();
    expect(store.batches).toEqual([['a1', 'b1', 'c1'], ['a2', 'b2'], ['a3']]);
  });

  it('is bounded in items', async () => {
    const { store, queueAll } = setUp([], {}, { batchItems: 2, batchBytes: 1_000 });
    queueAll('a1', 'a2', 'b1', 'c1', 'd1', 'e1');
    await settle();
    expect(store.batches).toEqual([
      ['a1', 'b1'],
      ['a2', 'c1'],
      ['d1', 'e1'],
    ]);
  });

  it('is bounded in bytes, and holds one item however large it is', async () => {
    const { store, queue } = setUp([], {}, { batchItems: 10, batchBytes: 10 });
    for (const [name, bytes] of [
      ['a1', 6],
      ['b1', 6],
      ['c1', 50],
      ['d1', 1],
      ['e1', 1],
    ] as const)
      queue(name, { bytes });
    await settle();
    expect(store.batches).toEqual([['a1', 'b1'], ['c1'], ['d1', 'e1']]);
  });
});

describe('G2: a batch whose outcome is unknown', () => {
  it('is sent again unchanged before any other, and its items are reported as applied', async () => {
    const { store, clock, results, queueAll } = setUp(['lost', 'outcome_unknown']);
    queueAll('a1', 'b1');
    await settle();
    queueAll('c1');
    await clock.advance(1_000);
    expect(store.batches).toEqual([['a1', 'b1'], ['a1', 'b1'], ['a1', 'b1'], ['c1']]);
    expect([...results.values()]).toEqual([['applied'], ['applied'], ['applied']]);
  });

  it('stays in doubt when the store cannot be reached afterwards', async () => {
    const { store, clock, results, queueAll } = setUp(['lost', 'unavailable', 'unavailable']);
    queueAll('a1');
    await clock.advance(1_000);
    expect(store.batches).toHaveLength(4);
    expect(results.get('a1')).toEqual(['applied']);
  });

  it('stays in doubt when it is halved for an item that cannot be stored', async () => {
    const { clock, results, queueAll } = setUp(['outcome_unknown', 'rejected', 'unavailable']);
    queueAll('a1', 'b1');
    await clock.advance(1_000);
    expect(Object.fromEntries(results)).toEqual({ a1: ['applied'], b1: ['applied'] });
  });

  it('is not reported as failed when the store was closed in between', async () => {
    const { clock, results, queueAll } = setUp(['lost', 'closed']);
    queueAll('a1');
    await clock.advance(1_000);
    expect(results.get('a1')).toEqual(['abandoned']);
  });

  it('pauses longer and longer, a second at most, while the store is away', async () => {
    const { store, clock, queueAll } = setUp();
    store.away = true;
    queueAll('a1');
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      await settle();
      pauses.push(clock.nextInMs);
      await clock.advance(clock.nextInMs);
    }
    expect(pauses).toEqual([20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    expect(store.batches).toHaveLength(9);
  });
});

describe('G5: a batch whose outcome stays unknown although the store takes other writes', () => {
  const POISONED = Array.from('abcdefghijklmnop', (name) => `${name}1`);

  it('is set apart after three attempts: what comes later is written while its outcome is still unknown', async () => {
    const { store, clock, results, queue, queueAll } = setUp([], { c1: 'outcome_unknown' });
    queueAll(...POISONED);
    await clock.advance(20 + 40);
    // The fourth is the first half.
    expect(store.batches.map(({ length }) => length)).toEqual([16, 16, 16, 8]);
    queue('z1');
    await settle();
    expect([results.get('z1'), results.get('c1')]).toEqual([['applied'], undefined]);
  });

  it('has its neighbours written and the item at fault abandoned within a bounded number of attempts (SA1, SA2)', async () => {
    const { store, clock, results, queueAll } = setUp([], { c1: 'outcome_unknown' });
    queueAll(...POISONED);
    await clock.advance(1_000);
    expect(POISONED.filter((name) => results.get(name)?.join() !== 'applied')).toEqual(['c1']);
    await clock.advance(10_000);
    expect(results.get('c1')).toEqual(['abandoned']);
    // Three times whole, once in each smaller part, eight times alone.
    expect(store.batches.filter((batch) => batch.includes('c1'))).toHaveLength(3 + 3 + 8);
  });

  it('is set apart after a second, however few attempts that were', async () => {
    const { store, clock, results, queue, queueAll } = setUp(['hang'], { a1: 'outcome_unknown' });
    queueAll('a1');
    await clock.advance(1_500);
    queue('b1');
    store.release();
    await settle();
    expect([store.batches.filter((batch) => batch.includes('a1')).length, results.get('b1')]).toEqual([2, ['applied']]);
  });

  it('keeps the order of the items of one transaction', async () => {
    const { store, clock, results, queue, queueAll } = setUp([], { a1: 'outcome_unknown' });
    queueAll('a1', 'b1');
    await clock.advance(20 + 40);
    queue('a2');
    queue('b2');
    await clock.advance(500);
    expect([results.has('a2'), results.has('b2')]).toEqual([false, true]);
    await clock.advance(10_000);
    expect([results.get('a1'), results.get('a2')]).toEqual([['abandoned'], ['applied']]);
    expect(store.batches.findIndex((batch) => batch.includes('a2'))).toBe(
      store.batches.findLastIndex((batch) => batch.includes('a1')) + 1,
    );
  });

  it('counts among the queued writes until its outcome is known', async () => {
    const { committer, clock, queueAll } = setUp([], { a1: 'outcome_unknown' });
    queueAll('a1', 'b1');
    await clock.advance(200);
    expect(committer.queued).toBe(1);
    await clock.advance(10_000);
    expect(committer.queued).toBe(0);
  });

  it('is abandoned at once when the session ends', async () => {
    const { committer, clock, results, queue, queueAll } = setUp([], { a1: 'outcome_unknown' });
    queueAll('a1', 'b1');
    await clock.advance(200);
    committer.abandon();
    queue('a2');
    await clock.advance(2_000);
    expect([results.get('a1'), results.get('a2')]).toEqual([['abandoned'], ['applied']]);
  });

  it('is not set apart, and nothing is abandoned, while the store is away; then everything is written', async () => {
    const { store, clock, results, queueAll } = setUp();
    store.away = true;
    queueAll('a1', 'b1');
    await clock.advance(600_000);
    expect(store.batches.every((batch) => batch.length === 2)).toBe(true);
    queueAll('c1');
    store.away = false;
    await clock.advance(1_000);
    expect(Object.fromEntries(results)).toEqual({ a1: ['applied'], b1: ['applied'], c1: ['applied'] });
  });

  it('loses no attempt to a store that goes away while the batch is halved (SA3)', async () => {
    const { store, clock, results, queueAll } = setUp([], { c1: 'outcome_unknown' });
    queueAll('a1', 'b1', 'c1');
    await clock.advance(20 + 40);
    store.away = true;
    await clock.advance(600_000);
    expect(results.get('c1')).toBeUndefined();
  });
});

describe('G5: an item that the store rejects repeatedly although it accepts other writes', () => {
  it('no longer delays other transactions, and is written as soon as the store accepts it', async () => {
    const { store, clock, results, queue } = setUp([], { a1: 'unavailable' });
    queue('a1', { persistent: true });
    queue('b1', { persistent: true });
    await clock.advance(20 + 40 + 100);
    expect([results.get('a1'), results.get('b1')]).toEqual([undefined, ['applied']]);
    queue('c1');
    await settle();
    expect(results.get('c1')).toEqual(['applied']);
    await clock.advance(60_000);
    expect(results.get('a1')).toBeUndefined();
    store.poison.delete('a1');
    await clock.advance(1_000);
    expect(results.get('a1')).toEqual(['applied']);
  });
});

describe.each(['rejected', 'invalid'] as const)(
  'G6: an item that the store reports as %s after an unknown outcome',
  (code) => {
    it('is abandoned and not reported as failed, because the previous attempt may have been applied', async () => {
      const { clock, results, queueAll } = setUp(['lost', code]);
      queueAll('a1');
      await clock.advance(1_000);
      expect(results.get('a1')).toEqual(['abandoned']);
    });

    it('is abandoned also when it is halved out of a batch, or set apart', async () => {
      const { clock, results, queueAll } = setUp(['lost', code, 'applied', code, code]);
      queueAll('a1', 'b1', 'c1');
      await clock.advance(1_000);
      expect(Object.fromEntries(results)).toEqual({ a1: ['applied'], b1: ['abandoned'], c1: ['applied'] });
      const apart = setUp(['lost', 'outcome_unknown', 'outcome_unknown', code, code]);
      apart.queueAll('a1', 'b1');
      await apart.clock.advance(1_000);
      expect(Object.fromEntries(apart.results)).toEqual({ a1: ['abandoned'], b1: ['abandoned'] });
    });
  },
);

describe.each(['rejected', 'invalid'] as const)('G3: an item that the store reports as %s', (code) => {
  it('is separated from its batch, whose other items are written', async () => {
    const { results, queueAll } = setUp([], { c1: code });
    queueAll('a1', 'b1', 'c1', 'd1', 'e1');
    await settle();
    expect(Object.fromEntries(results)).toEqual({
      a1: ['applied'],
      b1: ['applied'],
      c1: ['failed'],
      d1: ['applied'],
      e1: ['applied'],
    });
  });

  it('is not sent repeatedly, and does not delay later items', async () => {
    const { store, clock, results, queue } = setUp([], { a1: code });
    queue('a1', { persistent: true });
    await clock.advance(5_000);
    queue('b1');
    await clock.advance(5_000);
    expect(store.batches).toEqual([['a1'], ['b1']]);
    expect([results.get('a1'), results.get('b1')]).toEqual([['failed'], ['applied']]);
  });
});

describe('a store that cannot be reached', () => {
  it('fails an item that a caller waits for, and receives the others once it can be reached', async () => {
    const { store, clock, results, queue } = setUp(['unavailable', 'unavailable']);
    queue('a1');
    queue('b1', { persistent: true });
    await clock.advance(1_000);
    expect(store.batches).toEqual([['a1', 'b1'], ['b1'], ['b1']]);
    expect([results.get('a1'), results.get('b1')]).toEqual([['failed'], ['applied']]);
  });

  it('does not change the order of one transaction’s items', async () => {
    const { store, clock, queue } = setUp(['unavailable']);
    queue('a1', { persistent: true });
    queue('a2', { persistent: true });
    await clock.advance(1_000);
    expect(store.batches).toEqual([['a1'], ['a1'], ['a2']]);
  });
});

it('SA4: a pause follows each failed attempt of a part that is set apart, up to a second', async () => {
  const { store, clock, queueAll } = setUp([], { a1: 'outcome_unknown' });
  queueAll('a1');
  let attempts = 0;
  const pauses: number[] = [];
  for (let ms = 0, last = 0; ms < 6_000; ms += 10) {
    await clock.advance(10);
    const now = store.batches.length;
    if (now === attempts) continue;
    if (attempts > 3) pauses.push(ms - last);
    [attempts, last] = [now, ms];
  }
  expect(pauses.length).toBeGreaterThan(3);
  expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
});

describe('abandon', () => {
  it('reports a result for every waiting item, and sends none of them', async () => {
    const { store, committer, results, queueAll } = setUp(['hang']);
    queueAll('a1');
    await settle();
    queueAll('b1');
    committer.abandon();
    expect([results.get('b1'), committer.queued]).toEqual([['abandoned'], 0]);
    store.release();
    await settle();
    expect([results.get('a1'), store.batches]).toEqual([['applied'], [['a1']]]);
  });

  it('ends the doubt about a batch without sending it again', async () => {
    const { store, clock, committer, results, queueAll } = setUp(['lost']);
    queueAll('a1');
    await settle();
    committer.abandon();
    await clock.advance(1_000);
    expect([results.get('a1'), store.batches]).toEqual([['abandoned'], [['a1']]]);
  });

  it('leaves a committer that works for the next session', async () => {
    const { clock, committer, results, queueAll } = setUp(['lost']);
    queueAll('a1');
    await settle();
    committer.abandon();
    queueAll('b1');
    await clock.advance(1_000);
    expect(results.get('b1')).toEqual(['applied']);
  });
});

describe('G4', () => {
  const fate = fc.constantFrom<Fate>(
    'applied',
    'applied',
    'lost',
    'outcome_unknown',
    'unavailable',
    'rejected',
    'closed',
  );
  const item = fc.record({ gid: fc.constantFrom('a', 'b', 'c', 'd'), persistent: fc.boolean(), pauseMs: fc.nat(60) });

  it('every item has exactly one result, in order within a transaction, whatever the store does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { maxLength: 8 }),
        fc.array(item, { minLength: 1, maxLength: 12 }),
        fc.option(fc.nat(11)),
        async (fates, items, abandonAfter) => {
          const { clock, committer, results, queue } = setUp(fates, { b2: 'rejected', c1: 'invalid' });
          const numbers = new Map<string, number>();
          const names: string[] = [];
          for (const [index, { gid, persistent, pauseMs }] of items.entries()) {
            numbers.set(gid, (numbers.get(gid) ?? 0) + 1);
            names.push(`${gid}${numbers.get(gid)}`);
            queue(names.at(-1) ?? '', { persistent });
            await clock.advance(pauseMs);
            if (abandonAfter === index) committer.abandon();
          }
          await clock.advance(60_000);
          expect([...results.keys()].sort()).toEqual([...names].sort());
          for (const kinds of results.values()) expect(kinds).toHaveLength(1);
          for (const gid of numbers.keys()) {
            // What is abandoned is all over at once, in no order.
            const settled = (name: string): boolean => name.startsWith(gid) && results.get(name)?.[0] !== 'abandoned';
            expect([...results.keys()].filter(settled)).toEqual(names.filter(settled));
          }
          expect(committer.queued).toBe(0);
        },
      ),
      { seed: 20_240_917, numRuns: 150 },
    );
  });
});

describe('an item that is blocked', () => {
  it('waits alone: its neighbours and later batches are written, later items of its transaction after it (G7, BW1)', async () => {
    const { clock, store, results, queueAll } = setUp();
    store.blocked.add('b1');
    queueAll('a1', 'b1', 'b2', 'c1');
    await settle();
    queueAll('d1');
    await settle();
    expect(store.batches).toEqual([['a1', 'b1', 'c1'], ['d1']]);
    expect([...results.keys()]).toEqual(['a1', 'c1', 'd1']);
    store.blocked.clear();
    await clock.advance(500);
    expect(store.batches.slice(2)).toEqual([['b1'], ['b2']]);
    expect(results.get('b1')).toEqual(['applied']);
  });

  it('fails after some seconds when a caller waits for it; a persistent one is sent again until it is applied (BW2)', async () => {
    const { clock, store, committer, results, queue } = setUp();
    store.blocked.add('a1').add('b1');
    queue('a1');
    queue('b1', { persistent: true });
    await clock.advance(30_000);
    expect([results.get('a1'), results.get('b1'), committer.queued]).toEqual([['failed'], undefined, 1]);
    store.blocked.clear();
    await clock.advance(500);
    expect([results.get('b1'), committer.queued]).toEqual([['applied'], 0]);
  });

  it('is abandoned, not failed, when an earlier attempt may have been applied', async () => {
    const { clock, store, results, queueAll } = setUp(['outcome_unknown']);
    store.blocked.add('a1');
    queueAll('a1');
    await clock.advance(30_000);
    expect(results.get('a1')).toEqual(['abandoned']);
  });

  it('is abandoned with everything else when the session ends', async () => {
    const { clock, store, committer, results, queueAll } = setUp();
    store.blocked.add('a1');
    queueAll('a1');
    await settle();
    committer.abandon();
    await clock.advance(1_000);
    expect([results.get('a1'), store.batches.length]).toEqual([['abandoned'], 1]);
  });
});
