import { describe, expect, it } from 'vitest';
import { NodeClock } from '../../src/store-kit/index.ts';

const HOUR_MS = 3_600_000;

function setUp({ wallMs = 1_700_000_000_000 } = {}) {
  const times = { wallMs, monotonicMs: 5_000 };
  const clock = new NodeClock(
    () => times.wallMs,
    () => times.monotonicMs,
  );
  const pass = (ms: number): void => {
    times.wallMs += ms;
    times.monotonicMs += ms;
  };
  return { clock, times, pass, startMs: wallMs };
}

describe('T1: the time of a store in this process', () => {
  it('is the wall clock in whole milliseconds, also after it was set forward', () => {
    const { clock, times, pass, startMs } = setUp();
    expect(clock.nowMs()).toBe(startMs);
    pass(10_000.7);
    expect(clock.nowMs()).toBe(startMs + 10_000);
    times.wallMs += HOUR_MS;
    expect(clock.nowMs()).toBe(startMs + 10_000 + HOUR_MS);
  });

  it('replaces the database’s clock only where one is given', () => {
    expect(new NodeClock(undefined, () => 0).wallMs()).toBeUndefined();
  });
});

describe('T2: while the wall clock is behind', () => {
  it('time continues from where it was, hardly slower than normal', () => {
    const { clock, times, pass, startMs } = setUp();
    clock.nowMs();
    times.wallMs -= HOUR_MS;
    expect(clock.nowMs()).toBe(startMs);
    for (let second = 1; second <= 60; second++) {
      pass(1_000);
      expect(clock.nowMs()).toBe(startMs + second * 990);
    }
  });

  it('time continues however often it is read', () => {
    const { clock, times, pass, startMs } = setUp();
    clock.nowMs();
    times.wallMs -= HOUR_MS;
    for (let read = 1; read <= 10_000; read++) {
      pass(0.1);
      clock.nowMs();
    }
    expect(clock.nowMs()).toBeCloseTo(startMs + 990, -1);
  });

  it('time does not jump once the wall clock is right again, and follows it from then on', () => {
    const { clock, times, pass, startMs } = setUp();
    clock.nowMs();
    times.wallMs -= HOUR_MS;
    pass(100_000);
    expect(clock.nowMs()).toBe(startMs + 99_000);
    times.wallMs += HOUR_MS;
    expect(clock.nowMs()).toBe(startMs + 100_000);
  });

  it('time that was ahead returns to the wall clock, within 100 times of what it was ahead', () => {
    const { clock, times, pass } = setUp();
    clock.nowMs();
    times.wallMs -= 60_000;
    pass(100 * 60_000);
    expect(clock.nowMs()).toBe(times.wallMs);
  });
});

describe('T3: a node', () => {
  it('has no floor before it saw a time', () => {
    expect(new NodeClock(undefined, () => 7).floorMs).toBe(0);
  });

  it('keeps the latest time that it has seen, and returns each as it is', () => {
    const clock = new NodeClock(undefined, () => 0);
    expect([5, 9, 7].map((nowMs) => [clock.seen(nowMs), clock.floorMs])).toEqual([
      [5, 5],
      [9, 9],
      [7, 9],
    ]);
  });

  it('does not overtake a database whose clock runs normally', () => {
    const { clock, times, pass } = setUp();
    for (let i = 0; i < 100; i++) {
      clock.seen(Math.floor(times.wallMs));
      pass(100);
      expect(clock.floorMs).toBeLessThan(times.wallMs);
    }
  });
});
