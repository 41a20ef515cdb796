import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallBatch, Destinations, SLICE } from '../../src/engine/destinations.ts';

const SLOWEST_MS = 60_000;

/** Destinations, and the names of the calls that were started. */
function setUp(maxRunning: number, maxWaiting: number, room = 1_000_000) {
  const time = { nowMs: 0, room };
  const slices: (() => void)[] = [];
  const destinations = new Destinations({
    maxRunning,
    maxWaiting,
    maxDeferralMs: SLOWEST_MS,
    room: () => time.room,
    monotonicMs: () => time.nowMs,
    later: (callback) => void slices.push(callback),
  });
  const started: string[] = [];
  const batches = new Map<string, CallBatch>();
  /** Enters a batch of calls; returns after how long to try again, 0 when it is in. */
  const enter = (name: string, ...calls: readonly string[]): number => {
    let next = 0;
    const batch: CallBatch = {
      left: calls.length,
      running: 0,
      startNext: () => {
        const call = calls[next++] ?? '';
        batches.set(call, batch);
        started.push(call);
        return true;
      },
    };
    return destinations.enter(name, batch);
  };
  const leave = (name: string, call: string, heldMs = 10): void => {
    const batch = batches.get(call);
    if (batch !== undefined) destinations.leave(name, batch, heldMs);
  };
  const withdraw = (name: string, calls = 1): CallBatch => {
    const batch: CallBatch = { left: calls, running: 0, startNext: () => false };
    destinations.enter(name, batch);
    return batch;
  };
  const nextSlice = (): boolean => {
    const slice = slices.shift();
    slice?.();
    return slice !== undefined;
  };
  return { destinations, started, enter, leave, withdraw, nextSlice, time };
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);

describe('destinations', () => {
  it('start calls at once while there is room, and later calls in the order of arrival', () => {
    const { started, enter, leave } = setUp(2, 10);
    for (const call of ['1', '2', '3', '4']) expect(enter('a', call)).toBe(0);
    expect(started).toEqual(['1', '2']);
    leave('a', '1');
    leave('a', '2');
    expect(started).toEqual(['1', '2', '3', '4']);
  });

  it('keep separate places, so that a slow destination does not delay another', () => {
    const { started, enter } = setUp(1, 10);
    enter('slow', 's1');
    enter('slow', 's2');
    enter('quick', 'q1');
    expect(started).toEqual(['s1', 'q1']);
  });

  it('give places in turns, so that a transaction with many calls does not keep one with a single call waiting', () => {
    const { started, enter, leave } = setUp(1, 10);
    enter('a', ...numbered('long', 100));
    enter('a', 'short');
    leave('a', 'long0');
    leave('a', 'long1');
    expect(started).toEqual(['long0', 'long1', 'short']);
  });

  it('start the calls of a long batch in slices', () => {
    const { started, enter, nextSlice } = setUp(1_000, 10);
    enter('a', ...numbered('x', 100));
    expect(started).toHaveLength(SLICE);
    while (nextSlice()) expect(started.length).toBeLessThanOrEqual(100);
    expect(started).toEqual(numbered('x', 100));
  });

  it('take a slice of calls from their queue in each turn, however many places become free in it', () => {
    const { started, enter, leave, nextSlice } = setUp(100, 10);
    enter('a', ...numbered('x', 300));
    while (nextSlice());
    expect(started).toHaveLength(100);
    for (const call of started.slice()) leave('a', call);
    expect(started).toHaveLength(100 + SLICE);
    nextSlice();
    expect(started).toHaveLength(100 + 2 * SLICE);
    while (nextSlice());
    expect(started).toHaveLength(200);
  });

  it('reject calls that exceed the queue, and never start them', () => {
    const { destinations, started, enter, leave } = setUp(1, 1);
    enter('a', '1');
    enter('a', '2', '3', '4');
    expect(enter('a', '5')).toBeGreaterThan(0);
    for (const call of ['1', '2', '3', '4']) leave('a', call);
    expect([started, destinations.running]).toEqual([['1', '2', '3', '4'], 0]);
  });

  it('spread the retries of rejected calls at the rate at which calls end', () => {
    const { enter, leave } = setUp(2, 1);
    for (const call of ['1', '2', '3']) enter('a', call);
    leave('a', '1', 4_000);
    enter('a', '4');
    const delays = Array.from({ length: 5 }, (_, i) => enter('a', `refused${i}`));
    expect(delays).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
  });

  it('spread the retries of many rejected calls evenly over the second half of the longest delay', () => {
    const { enter, leave } = setUp(1, 1);
    enter('a', '1');
    enter('a', '2');
    leave('a', '1', 1_000);
    enter('a', '3');
    const delays = Array.from({ length: 1_000 }, (_, i) => enter('a', `refused${i}`)).slice(60);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(SLOWEST_MS / 2);
    expect(Math.max(...delays)).toBeLessThanOrEqual(SLOWEST_MS);
    const early = delays.filter((delay) => delay < SLOWEST_MS * 0.75).length;
    expect(Math.abs(early - delays.length / 2)).toBeLessThan(20);
  });

  it('spread the retries of 100,000 rejected calls to at most 500 per second over all destinations', () => {
    const { enter, leave } = setUp(1, 1);
    for (const name of ['a', 'b']) {
      enter(name, `${name}1`);
      enter(name, `${name}2`);
      leave(name, `${name}1`, 1_000);
      enter(name, `${name}3`);
    }
    const seconds = new Map<number, number>();
    for (let i = 0; i < 100_000; i++) {
      const second = Math.floor(enter(i % 2 === 0 ? 'a' : 'b', `refused${i}`) / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    const later = [...seconds].filter(([second]) => second > SLOWEST_MS / 1_000);
    expect(Math.max(...later.map(([, count]) => count))).toBeLessThanOrEqual(500);
    expect(Math.max(...seconds.keys())).toBeLessThanOrEqual(SLOWEST_MS / 2_000 + 200);
  });

  it('reset the spread of retries once no call waits', () => {
    const { enter, leave } = setUp(1, 1);
    enter('a', '1');
    enter('a', '2');
    for (let i = 0; i < 100; i++) enter('a', `refused${i}`);
    leave('a', '1', 100);
    leave('a', '2', 100);
    enter('a', '3');
    enter('a', '4');
    expect(enter('a', '5')).toBeLessThanOrEqual(1_000);
  });

  it('leave room for others: hanging destinations together hold a small multiple of the room', () => {
    const { enter, time } = setUp(512, 2_048, 9_000);
    let held = 0;
    for (let destination = 0; destination < 500; destination++)
      for (let i = 0; i < 2_000; i++) {
        if (enter(`hanging${destination}`, `${destination}-${i}`) > 0) break;
        held++;
        time.room = 9_000 - held;
      }
    expect(held).toBeLessThan(10_000);
    expect(enter('healthy', 'call')).toBe(0);
  });

  it('start a call for every destination even when there is no room left', () => {
    const { enter } = setUp(10, 10, -5);
    expect(enter('a', '1')).toBe(0);
  });

  it('pass a place on when the calls that receive it are withdrawn at once, however many there are', () => {
    const { destinations, started, enter, leave, withdraw, nextSlice } = setUp(1, 20_000);
    enter('a', 'first');
    for (let i = 0; i < 10_000; i++) withdraw('a', 3);
    enter('a', 'last');
    leave('a', 'first');
    while (nextSlice());
    expect([started, destinations.running]).toEqual([['first', 'last'], 1]);
  });

  it('start a call that arrives while another is withdrawn', () => {
    const { destinations, enter, started, leave } = setUp(1, 20_000);
    enter('a', 'first');
    for (let i = 0; i < 10; i++)
      destinations.enter('a', { left: 1, running: 0, startNext: () => (enter('a', `after${i}`), false) });
    leave('a', 'first');
    expect([started, destinations.running]).toEqual([['first', 'after0'], 1]);
  });

  it('ignore a place that is returned without having been taken', () => {
    const { destinations } = setUp(1, 1);
    destinations.leave('nobody', { left: 0, running: 0, startNext: () => true }, 1);
    expect(destinations.running).toBe(0);
  });

  it('keep their bounds and lose no call, in any sequence of events', () => {
    const action = fc.record({
      name: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('enter', 'enter', 'leave', 'leave', 'withdraw'),
      calls: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        fc.array(action, { maxLength: 200 }),
        (max, queue, actions) => {
          const { destinations, started, enter, leave, withdraw, nextSlice } = setUp(max, queue);
          const accepted = { a: [] as string[], b: [] as string[] };
          const left = new Set<string>();
          const running = (name: string): string[] =>
            started.filter((call) => call.startsWith(name) && !left.has(call));
          for (const [i, { name, what, calls }] of actions.entries()) {
            const names = Array.from({ length: calls }, (_, n) => `${name}${i}.${n}`);
            const [oldest] = running(name);
            if (what === 'enter' && enter(name, ...names) === 0) accepted[name].push(...names);
            if (what === 'withdraw') withdraw(name, calls);
            if (what === 'leave' && oldest !== undefined) {
              left.add(oldest);
              leave(name, oldest);
            }
            while (nextSlice());
            expect(running(name).length).toBeLessThanOrEqual(max);
          }
          expect(destinations.running).toBe(running('a').length + running('b').length);
          for (const name of ['a', 'b'] as const) {
            for (let [one] = running(name); one !== undefined; [one] = running(name)) {
              left.add(one);
              leave(name, one);
              while (nextSlice());
            }
            expect(started.filter((call) => call.startsWith(name)).toSorted()).toEqual(accepted[name].toSorted());
          }
          expect(destinations.running).toBe(0);
        },
      ),
      { seed: 20_240_917 },
    );
  });
});

describe('transactions whose destination is full', () => {
  /** Two destinations whose only place is taken. */
  function busy() {
    const { destinations, enter } = setUp(1, 0);
    for (const name of ['a', 'b']) enter(name, name);
    return destinations;
  }

  it('are not delayed by transactions that wait for another destination', () => {
    const destinations = busy();
    for (let i = 0; i < 100_000; i++) destinations.deferralMs('a');
    const waits = Array.from({ length: 1_000 }, () => destinations.deferralMs('b'));
    expect(Math.max(...waits)).toBeLessThanOrEqual(SLOWEST_MS);
  });

  it('are retried at most 500 times per second for two destinations together', () => {
    const destinations = busy();
    const times = Array.from({ length: 50_000 }, () => [
      destinations.deferralMs('a'),
      destinations.deferralMs('b'),
    ]).flat();
    const seconds = new Map<number, number>();
    for (const ms of times.filter((one) => one > SLOWEST_MS))
      seconds.set(Math.floor(ms / 1_000), (seconds.get(Math.floor(ms / 1_000)) ?? 0) + 1);
    expect(Math.max(...seconds.values())).toBeLessThanOrEqual(502);
  });
});
