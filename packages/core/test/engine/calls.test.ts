import { SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { Calls } from '../../src/engine/calls.ts';
import { Destinations } from '../../src/engine/destinations.ts';
import { DEFAULT_ENGINE_OPTIONS, Engine } from '../../src/engine/index.ts';
import type { Timer } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { type Definition, newTransaction } from '../../src/patterns/index.ts';
import { NO_OBSERVER } from '../../src/observer.ts';
import { KEY, saga } from '../patterns/support/definitions.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

/** A timer fires in a later turn of the event loop, as in Node: here each turn is a millisecond. */
class TurnClock extends ManualClock {
  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(Math.max(1, delayMs), callback);
  }
}

/** Counts how often something happens in each turn. */
class Turns {
  readonly #clock: ManualClock;
  readonly #counts = new Map<number, number>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  count(): void {
    const turn = this.#clock.monotonicMs();
    this.#counts.set(turn, (this.#counts.get(turn) ?? 0) + 1);
  }

  get most(): number {
    return Math.max(...this.#counts.values());
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

const withoutUrls = (definition: Definition): Definition => ({
  ...definition,
  steps: definition.steps.map(() => ({ action: '', compensate: '' })),
});

/** Calls the actions of a saga; `responded` and `lookedUp` count in turns. */
async function callAll(definition: Definition) {
  const clock = new TurnClock();
  const [responded, lookedUp] = [new Turns(clock), new Turns(clock)];
  const calls = new Calls({
    caller: {
      destinationOf: () => {
        lookedUp.count();
        return 'everywhere';
      },
      call: () => Promise.resolve(SUCCESS),
    },
    destinations: new Destinations({
      maxRunning: 100,
      maxWaiting: 100,
      maxDeferralMs: 1_000,
      room: () => 100,
      monotonicMs: () => clock.monotonicMs(),
      later: (callback) => void clock.setTimer(0, callback),
    }),
    clock,
    observer: NO_OBSERVER,
    options: DEFAULT_ENGINE_OPTIONS,
  });
  const deferred: unknown[] = [];
  calls.branches(
    {
      transaction: newTransaction(KEY, definition, 1),
      inFlight: { calls: 0, onNone: [] },
      permit: () => 'granted',
      listener: { responded: () => responded.count(), deferred: (...given) => deferred.push(given) },
    },
    definition.steps.map((_, step) => 2 * step),
  );
  await clock.advance(1_000);
  return { responded, lookedUp, deferred };
}

describe('the results of one transaction', () => {
  it.each([
    ['with URLs', saga(1_000)],
    ['without URLs', withoutUrls(saga(1_000))],
  ])('that is long are delivered fewer per turn the longer it is, %s', async (_, definition) => {
    const { responded, deferred } = await callAll(definition);
    expect([responded.total, responded.most, deferred]).toEqual([1_000, 8, []]);
  });

  it('of 200 ops are delivered 16 per turn', async () => {
    const { responded } = await callAll(saga(100));
    expect([responded.total, responded.most]).toEqual([100, 16]);
  });
});

it('the URLs of a step with many calls are taken apart a slice per turn', async () => {
  const { lookedUp } = await callAll(saga(1_000));
  expect([lookedUp.total, lookedUp.most]).toEqual([1_000, 128]);
});

describe('a submitted definition', () => {
  const quiet = (): void => {};

  class WatchedStore extends MemoryStore {
    writes = 0;

    override write(...given: Parameters<MemoryStore['write']>): ReturnType<MemoryStore['write']> {
      this.writes++;
      return super.write(...given);
    }
  }

  /** Submits a saga without a turn of the clock in between. */
  async function submit(count: number) {
    const clock = new ManualClock();
    const store = new WatchedStore(() => clock.monotonicMs());
    const engine = new Engine({
      store,
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => 'A.1' },
      caller: { destinationOf: () => 'everywhere', call: () => Promise.resolve(SUCCESS) },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    await engine.start();
    const { steps, payloads } = saga(count);
    const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
    const submitted = engine.submit(context, { gid: 'g', pattern: 'saga', steps, payloads });
    const outcome = submitted.then(
      ({ status }) => status,
      (error: unknown) => (error as { readonly code: string }).code,
    );
    await settle();
    return { clock, store, engine, outcome };
  }

  it('of 100 steps is written in the turn in which it came', async () => {
    const { store, outcome } = await submit(100);
    expect([store.writes, await outcome]).toEqual([1, 'submitted']);
  });

  it('of more steps is checked, parsed and written in separate turns of the event loop', async () => {
    const { clock, store, outcome } = await submit(101);
    expect(store.writes).toBe(0);
    await clock.advance(0);
    expect([store.writes > 0, await outcome]).toEqual([true, 'submitted']);
  });

  it('is rejected when the node begins to drain between these turns', async () => {
    const { clock, store, engine, outcome } = await submit(101);
    const drained = engine.drain(0);
    await clock.advance(0);
    expect([store.writes, await outcome]).toEqual([0, 'unavailable']);
    await clock.advance(1_000);
    await drained;
  });
});
