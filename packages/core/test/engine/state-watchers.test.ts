import { ANONYMOUS, HoldfastError, isFinal, type Status, type TransactionKey } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { StateWatchers, type WatchCaller } from '../../src/engine/state-watchers.ts';
import type { TransactionView } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { StoreError } from '../../src/store/index.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const body = new Uint8Array(1);
const keyOf = (gid: string): TransactionKey => ({ namespace: 'default', gid });

/** Counts the records that are read, and can be away. */
class CountingStore extends MemoryStore {
  reads: string[] = [];
  polled = 0;
  isAway = false;

  override async get(keys: Parameters<MemoryStore['get']>[0]) {
    if (this.isAway) throw new StoreError('unavailable', 'the store is away');
    this.reads.push(...keys.map(({ gid }) => gid));
    return super.get(keys);
  }

  override async versions(keys: Parameters<MemoryStore['versions']>[0]) {
    this.polled += keys.length;
    return super.versions(keys);
  }
}

/** The watchers of a node, over a store that others write to. */
class World {
  readonly clock = new ManualClock();
  readonly store = new CountingStore(() => 1_700_000_000_000);
  readonly #versions = new Map<string, number>();
  readonly watchers: StateWatchers;

  constructor(maxWatched = 100, drivenHere = false) {
    const { store, clock } = this;
    this.watchers = new StateWatchers({ store, clock, logger, drivenHere: () => drivenHere, maxWatched });
  }

  /** Writes a state, as another node does, or with `isOwn` as this one. */
  async write(gid: string, status: Status = 'submitted', isOwn = false): Promise<void> {
    const key = keyOf(gid);
    const version = this.#versions.get(gid) ?? 0;
    const settings = { key, owner: null, dueInMs: null, attention: false, state: body, status } as const;
    const writeId = `${gid}-${version}`;
    const insert = { kind: 'insert', pattern: 'saga', group: '', definition: body } as const;
    const item =
      version === 0
        ? { ...settings, ...insert, writeId }
        : { ...settings, writeId, kind: 'update' as const, expectVersion: version };
    const [outcome] = await this.store.write([item]);
    expect(outcome?.kind).toBe('applied');
    this.#versions.set(gid, version + 1);
    if (isOwn) this.watchers.written(`default\0${gid}`);
  }

  watch(gids: readonly string[], afterVersion = 0, signal?: AbortSignal, caller: WatchCaller = {}): Reader {
    return new Reader(
      this.watchers.watch(
        gids.map((gid) => ({ key: keyOf(gid), afterVersion })),
        { ...caller, signal },
      ),
    );
  }
}

/** Reads a watch, as fast as it can unless paused. */
class Reader {
  readonly received: TransactionView[] = [];
  readonly end: Promise<unknown>;
  isEnded = false;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  constructor(states: AsyncGenerator<TransactionView, void, undefined>) {
    this.end = this.#read(states).then(
      () => {
        this.isEnded = true;
        return undefined;
      },
      (error: unknown) => {
        this.isEnded = true;
        return error;
      },
    );
  }

  get versions(): readonly number[] {
    return this.received.map(({ version }) => version);
  }

  /** Handles no further state until `resume`. */
  pause(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  resume(): void {
    this.#open();
  }

  async #read(states: AsyncIterable<TransactionView>): Promise<void> {
    for await (const state of states) {
      this.received.push(state);
      await this.#gate;
    }
  }
}

describe('a watch', () => {
  it('begins with the current state, and ends after the final one', async () => {
    const world = new World();
    await world.write('g');
    const reader = world.watch(['g']);
    await settle();
    expect(reader.versions).toEqual([1]);
    await world.write('g');
    await world.clock.advance(100);
    await world.write('g', 'succeed');
    await world.clock.advance(100);
    expect(await reader.end).toBeUndefined();
    expect(reader.received.map(({ version, status }) => [version, status])).toEqual([
      [1, 'submitted'],
      [2, 'submitted'],
      [3, 'succeed'],
    ]);
    expect([world.watchers.count, world.clock.timers]).toEqual([0, 1]);
    await world.clock.advance(1_000);
    expect(world.clock.timers).toBe(0);
  });

  it('receives the writes of this node at once', async () => {
    const world = new World(100, true);
    await world.write('g');
    const reader = world.watch(['g']);
    await settle();
    await world.write('g', 'succeed', true);
    await settle();
    expect(reader.versions).toEqual([1, 2]);
    expect(world.store.polled).toBe(0);
  });

  it('leaves out states that a slow reader has no time for, but never the last one', async () => {
    const world = new World();
    await world.write('g');
    const reader = world.watch(['g']);
    reader.pause();
    await settle();
    for (let i = 0; i < 10; i++) {
      await world.write('g');
      await world.clock.advance(100);
    }
    await world.write('g', 'failed');
    await world.clock.advance(100);
    expect(world.store.reads).toEqual(['g']);
    reader.resume();
    await reader.end;
    expect(reader.versions).toEqual([1, 12]);
  });

  it('continues after the version that the caller has, and always ends with the final state', async () => {
    const world = new World();
    await world.write('g');
    await world.write('g');
    const [same, future] = [world.watch(['g'], 2), world.watch(['g'], 1_000)];
    await world.clock.advance(500);
    expect([same.versions, future.versions]).toEqual([[], []]);
    await world.write('g');
    await world.clock.advance(100);
    await world.write('g', 'succeed');
    await world.clock.advance(100);
    expect([same.versions, future.versions]).toEqual([[3, 4], [4]]);
    const again = world.watch(['g'], 4);
    await again.end;
    expect(again.versions).toEqual([4]);
  });

  it('of several transactions ends when all have finished', async () => {
    const world = new World();
    for (const gid of ['a', 'b']) await world.write(gid);
    const reader = world.watch(['a', 'b']);
    await settle();
    await world.write('b', 'failed');
    await world.clock.advance(100);
    expect([reader.isEnded, world.watchers.count]).toEqual([false, 1]);
    await world.write('a', 'succeed');
    await world.clock.advance(100);
    await reader.end;
    expect(reader.received.map(({ gid, status }) => `${gid} ${status}`)).toEqual([
      'a submitted',
      'b submitted',
      'b failed',
      'a succeed',
    ]);
  });

  it.each([
    ['of a transaction that does not exist', (world: World) => world.watch(['a', 'b', 'c']), 'not_found'],
    ['of too many transactions', (world: World) => world.watch(Array.from({ length: 101 }, String)), 'overloaded'],
  ])('%s is rejected, and nothing of it is left', async (_, watch, code) => {
    const world = new World();
    await world.write('a');
    await world.write('b');
    expect(await watch(world).end).toMatchObject({ code });
    await world.clock.advance(1_000);
    expect([world.watchers.count, world.clock.timers]).toEqual([0, 0]);
  });

  it('ends with an error when its transaction is purged', async () => {
    const world = new World();
    await world.write('g');
    const readers = [world.watch(['g']), world.watch(['g'])];
    readers[1]?.pause();
    await settle();
    world.store.get = () => Promise.resolve([undefined]);
    world.store.versions = () => Promise.resolve([undefined]);
    await world.clock.advance(1_000);
    readers[1]?.resume();
    for (const reader of readers) expect(await reader.end).toMatchObject({ code: 'not_found', gid: 'g' });
    expect(world.watchers.count).toBe(0);
  });

  it('ends with `unavailable` when the record cannot be read, and when the node stops', async () => {
    const world = new World();
    await world.write('g');
    const [one, other] = [world.watch(['g']), world.watch(['g'])];
    other.pause();
    await settle();
    world.store.isAway = true;
    await world.write('g', 'submitted', true);
    expect(await one.end).toMatchObject({ code: 'unavailable' });
    world.store.isAway = false;
    other.resume();
    await settle();
    world.watchers.endAll();
    expect(await other.end).toMatchObject({ code: 'unavailable' });
    expect(await world.watch(['g']).end).toMatchObject({ code: 'unavailable' });
    expect(world.watchers.count).toBe(0);
  });

  it('ends when its signal aborts, while it waits and before it begins, and is forgotten (ST3)', async () => {
    const world = new World();
    await world.write('g');
    const abort = new AbortController();
    const reader = world.watch(['g'], 0, abort.signal);
    await settle();
    abort.abort();
    expect(await reader.end).toBeUndefined();
    expect(await world.watch(['g'], 0, abort.signal).end).toBeUndefined();
    expect(world.watchers.count).toBe(0);
  });
});

describe('many watches', () => {
  it('of one transaction share a read of each state, and the object that it returns', async () => {
    const world = new World(1_000);
    await world.write('g');
    const readers = Array.from({ length: 1_000 }, () => world.watch(['g']));
    await settle();
    await world.write('g');
    await world.clock.advance(100);
    expect(world.store.reads).toEqual(['g', 'g']);
    for (const number of [0, 1]) expect(new Set(readers.map(({ received }) => received[number])).size).toBe(1);
    await world.write('g', 'succeed', true);
    await Promise.all(readers.map(({ end }) => end));
    expect([world.store.reads.length, world.watchers.count]).toEqual([3, 0]);
  });

  it('find a change that a new one has found first (ST4)', async () => {
    const world = new World();
    await world.write('g');
    const first = world.watch(['g']);
    await settle();
    await world.write('g');
    // Its read is before the next poll, which has nothing to find then.
    world.watch(['g']);
    await world.clock.advance(100);
    expect(first.versions).toEqual([1, 2]);
  });

  it('of what this node drives are polled once per second, since another node may append', async () => {
    const world = new World(100, true);
    await world.write('g');
    const reader = world.watch(['g']);
    await settle();
    await world.write('g');
    await world.clock.advance(1_100);
    expect(reader.versions).toEqual([1, 2]);
    expect(world.store.polled).toBeLessThanOrEqual(2);
  });
});

describe('for any history', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), tx: fc.nat(2), isOwn: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('finish' as const), tx: fc.nat(2), isOwn: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('watch' as const),
        txs: fc.uniqueArray(fc.nat(2), { minLength: 1 }),
        after: fc.nat(4),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('pause', 'resume'), reader: fc.nat(9) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 250 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  );

  it('the versions that a watch receives increase, and it ends with each final state (ST1, ST2)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new World();
        const finished = new Set<number>();
        const readers: { readonly reader: Reader; readonly txs: readonly number[] }[] = [];
        for (const tx of [0, 1, 2]) await world.write(`g${tx}`);
        const change = async (tx: number, status: Status, isOwn: boolean): Promise<void> => {
          if (finished.has(tx)) return;
          if (isFinal(status)) finished.add(tx);
          await world.write(`g${tx}`, status, isOwn);
        };
        for (const one of steps) {
          if (one.kind === 'write') await change(one.tx, 'submitted', one.isOwn);
          else if (one.kind === 'finish') await change(one.tx, 'succeed', one.isOwn);
          else if (one.kind === 'watch')
            readers.push({
              reader: world.watch(
                one.txs.map((tx) => `g${tx}`),
                one.after,
              ),
              txs: one.txs,
            });
          else if (one.kind === 'time') await world.clock.advance(one.ms);
          else if (one.kind === 'settle') await settle();
          else readers[one.reader]?.reader[one.kind === 'pause' ? 'pause' : 'resume']();
        }
        for (const tx of [0, 1, 2]) await change(tx, 'succeed', false);
        for (const { reader } of readers) reader.resume();
        await world.clock.advance(1_500);
        for (const { reader, txs } of readers) {
          expect(reader.isEnded).toBe(true);
          for (const tx of txs) {
            const own = reader.received.filter(({ gid }) => gid === `g${tx}`);
            const versions = own.map(({ version }) => version);
            expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
            expect(own.map(({ status }) => isFinal(status))).toEqual([...own.slice(1).map(() => false), true]);
          }
        }
        expect(world.watchers.count).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('one caller', () => {
  const gids = (count: number, name = 'g'): readonly string[] =>
    Array.from({ length: count }, (_, at) => `${name}${at}`);
  const ann: WatchCaller['principal'] = { id: 'ann', roles: ['viewer'] };
  const codeOf = async ({ end }: Reader): Promise<unknown> => {
    const error = await end;
    return error instanceof HoldfastError ? [error.code, error.retryAfterMs] : error;
  };

  it.each<[string, number, (at: number) => WatchCaller]>([
    ['principal', 50, (at) => ({ principal: ann, connection: `c${at}` })],
    ['connection', 25, () => ({ principal: ANONYMOUS, connection: 'c' })],
    ['connection of several principals', 25, (at) => ({ principal: { id: `p${at}`, roles: [] }, connection: 'c' })],
  ])('may watch a part of what all may watch: %s', async (_, most, callerOf) => {
    const world = new World(100);
    for (const gid of gids(most + 1)) await world.write(gid);
    const stops: AbortController[] = [];
    const signal = (): AbortSignal => {
      const stop = new AbortController();
      stops.push(stop);
      return stop.signal;
    };
    const readers = gids(most).map((gid, at) => world.watch([gid], 0, signal(), callerOf(at)));
    await vi.waitUntil(() => readers.every(({ received }) => received.length === 1), { timeout: 10_000 });
    const last = (): Reader => world.watch([`g${most}`], 0, signal(), callerOf(most));
    expect(await codeOf(last())).toEqual(['too_many_requests', 1_000]);
    // Others are not concerned.
    const other = world.watch(['g0'], 0, signal(), { principal: { id: 'bob', roles: [] }, connection: 'd' });
    await vi.waitUntil(() => other.received.length === 1, { timeout: 10_000 });
    // A transaction that has finished is not watched any more.
    await world.write('g0', 'succeed', true);
    await vi.waitUntil(() => readers[0]?.isEnded === true, { timeout: 10_000 });
    const next = last();
    await vi.waitUntil(() => next.received.length === 1, { timeout: 10_000 });
    for (const stop of stops) stop.abort();
    await Promise.all([...readers, other, next].map(({ end }) => end));
    expect(world.watchers.count).toBe(0);
  });
});
