import { describe, expect, it } from 'vitest';
import { SilenceWatch } from '../../src/engine/silence-watch.ts';

const SILENCE_MS = 15_000;
const HOUR_MS = 3_600_000;

/** Notes these heartbeats at `nowMs` of the monotonic clock; returns the silent sessions. */
function silentAt(watch: SilenceWatch, nowMs: number, heartbeats: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(heartbeats).map(([session, heartbeatAtMs]) => ({ session, heartbeatAtMs }));
  watch.note(rows, nowMs);
  return watch.unchangedFor(SILENCE_MS, nowMs, 10).map(({ session }) => session);
}

describe('SW1: a heartbeat', () => {
  it('counts from the moment when it was first seen, however old it is by the store’s time', () => {
    const watch = new SilenceWatch();
    expect(silentAt(watch, 0, { a: -HOUR_MS })).toEqual([]);
    expect(silentAt(watch, 15_000, { a: -HOUR_MS })).toEqual([]);
    expect(silentAt(watch, 15_001, { a: -HOUR_MS })).toEqual(['a']);
  });

  it('counts again when the session has sent another one, also after a step of the store clock and a pause', () => {
    const watch = new SilenceWatch();
    silentAt(watch, 0, { a: 0, b: 0 });
    expect(silentAt(watch, 40_000, { a: HOUR_MS, b: -HOUR_MS })).toEqual([]);
    expect(silentAt(watch, 55_000, { a: HOUR_MS, b: -HOUR_MS })).toEqual([]);
    expect(silentAt(watch, 55_001, { a: HOUR_MS, b: -HOUR_MS })).toEqual(['a', 'b']);
  });
});

it('returns when the next session becomes silent', () => {
  const watch = new SilenceWatch();
  expect(watch.nextInMs(SILENCE_MS, 0)).toBe(Infinity);
  silentAt(watch, 0, { a: 0 });
  silentAt(watch, 4_000, { a: 0, b: 0 });
  expect(watch.nextInMs(SILENCE_MS, 4_000)).toBe(11_001);
  expect(watch.nextInMs(SILENCE_MS, 15_001)).toBe(4_000);
  expect(watch.nextInMs(SILENCE_MS, 20_000)).toBe(Infinity);
});

it('forgets the sessions that have ended, and returns no more than the given number', () => {
  const watch = new SilenceWatch();
  silentAt(watch, 0, { a: 0, b: 0, c: 0 });
  expect(silentAt(watch, 20_000, { a: 0, b: 0, c: 0 })).toEqual(['a', 'b', 'c']);
  expect(watch.unchangedFor(SILENCE_MS, 20_000, 2)).toHaveLength(2);
  expect(silentAt(watch, 21_000, { b: 0 })).toEqual(['b']);
});
