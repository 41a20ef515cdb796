import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_OPTIONS } from '../../src/engine/index.ts';
import { backOffMs, plainIntervalMs } from '../../src/patterns/retry.ts';
import { message, POLICY, saga } from './support/definitions.ts';
import { Model } from './support/model.ts';

const moment = (random: number) => ({ nowMs: 0, random, policy: POLICY });

describe('the retry schedule', () => {
  it.each([
    ['retry_interval, when it is said', { retryIntervalMs: 3_000, timeoutToFailMs: 1_000 }, 3_000],
    ['timeout_to_fail, when it is shorter than the server interval', { timeoutToFailMs: 4_000 }, 4_000],
    ['the server interval, when timeout_to_fail is longer', { timeoutToFailMs: 40_000 }, 10_000],
    ['the server interval, when nothing is said', {}, 10_000],
  ])('starts at %s', (_, options, expected) => {
    expect(plainIntervalMs({ ...NO_OPTIONS, ...options }, POLICY)).toBe(expected);
  });

  it('retries after the plain interval, then doubles up to the cap', () => {
    const options = { ...NO_OPTIONS, retryIntervalMs: 3_000 };
    const intervals = [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => backOffMs(options, failures, moment(0)));
    expect(intervals).toEqual([3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000, 60_000]);
  });

  it('never waits less than the interval of the transaction, whatever the cap is', () => {
    const options = { ...NO_OPTIONS, retryIntervalMs: 90_000 };
    expect([1, 2, 9].map((failures) => backOffMs(options, failures, moment(0)))).toEqual([90_000, 90_000, 90_000]);
  });

  it('adds a jitter between zero and a fifth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        (failures, random, retryIntervalMs) => {
          const options = { ...NO_OPTIONS, retryIntervalMs };
          const plain = backOffMs(options, failures, moment(0));
          const jittered = backOffMs(options, failures, moment(random));
          expect(jittered).toBeGreaterThanOrEqual(plain);
          expect(jittered).toBeLessThanOrEqual(Math.round(plain * 1.2));
          expect(Number.isInteger(jittered)).toBe(true);
        },
      ),
      { seed: 7 },
    );
  });

  it('keeps the plain interval for ONGOING, and starts over after it', () => {
    const model = new Model(message(1, { retryIntervalMs: 1_000 }));
    model.deliver({ kind: 'submitted', options: {} });
    const intervals: (number | null)[] = [];
    for (const kind of ['UNKNOWN', 'UNKNOWN', 'UNKNOWN', 'ONGOING', 'ONGOING', 'UNKNOWN'] as const) {
      model.respond('01 action', kind);
      intervals.push(model.nextInMs);
      model.waitForNext();
    }
    expect(intervals).toEqual([1_000, 2_000, 4_000, 1_000, 1_000, 1_000]);
  });

  it('restarts with the next branch, because progress resets it', () => {
    const model = new Model(message(2, { retryIntervalMs: 1_000 }));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN');
    model.waitForNext();
    model.respond('01 action', 'UNKNOWN');
    expect(model.nextInMs).toBe(2_000);
    model.waitForNext();
    model.respond('01 action');
    model.respond('02 action', 'UNKNOWN');
    expect(model.nextInMs).toBe(1_000);
  });

  it('has a separate backoff for each concurrent branch, and wakes for the earliest', () => {
    const model = new Model(saga(2, { concurrent: true, retryIntervalMs: 1_000 }));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN');
    model.nowMs += 400;
    model.respond('02 action', 'UNKNOWN');
    expect(model.nextInMs).toBe(600);
    model.waitForNext();
    expect(model.running).toEqual(['01 action']);
  });

  it('records in the timeline the number of each attempt and the time of the next one', () => {
    const model = new Model(message(1, { retryIntervalMs: 1_000 }));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN', 'refused');
    const calls = model.transaction.state.timeline.filter((line) => line.kind === 'call');
    expect(calls).toEqual([
      expect.objectContaining({ attempt: 1, reason: 'refused', retryAtMs: model.nowMs + 1_000, result: 'UNKNOWN' }),
    ]);
  });
});

describe('retry now', () => {
  it('calls a branch in backoff at once, and sends a pending check-back at once', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN');
    model.deliver({ kind: 'retry' });
    expect(model.running).toEqual(['01 action']);
    const other = new Model(message(1));
    other.deliver({ kind: 'prepared', again: false });
    other.deliver({ kind: 'retry' });
    expect(other.isChecking).toBe(true);
  });

  it('does not repeat a call that is running', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.deliver({ kind: 'retry' });
    expect(model.running).toEqual(['01 action']);
  });

  it('drives a waiting transaction that an operator made due in the store', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN');
    model.makeDue();
    expect(model.running).toEqual(['01 action']);
  });
});

describe('the alert threshold', () => {
  it('raises one alert when three attempts in a row brought no progress', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    for (let i = 0; i < 5; i++) {
      model.respond('01 action', 'UNKNOWN', `down ${i}`);
      model.waitForNext();
    }
    expect(model.alerts).toEqual([{ branch: '01 action', error: 'down 2', retryCount: 3 }]);
    model.respond('01 action');
    expect(model.transaction.state.attention).toBe(false);
  });

  it('is passed again when the transaction is resumed, until a hook has acknowledged the alert', () => {
    const model = new Model(message(1));
    model.acknowledges = false;
    model.deliver({ kind: 'submitted', options: {} });
    for (let i = 0; i < 4; i++) {
      model.respond('01 action', 'UNKNOWN', `down ${i}`);
      model.waitForNext();
    }
    expect(model.alerts.map(({ error }) => error)).toEqual(['down 2', 'down 2', 'down 3']);
    model.acknowledges = true;
    for (let i = 4; i < 7; i++) {
      model.respond('01 action', 'UNKNOWN', `down ${i}`);
      model.waitForNext();
    }
    expect(model.alerts).toHaveLength(4);
  });

  it('repeats the alert of a parked transaction every minute until a hook has acknowledged it', () => {
    const model = new Model(message(1), undefined, { ...POLICY, maxClaims: 2 });
    model.acknowledges = false;
    model.deliver({ kind: 'submitted', options: {} });
    model.crash(false, 2);
    expect([model.transaction.state.parked !== '', model.nextInMs, model.alerts.length]).toEqual([true, 60_000, 1]);
    model.waitForNext();
    expect([model.running, model.nextInMs, model.alerts.length]).toEqual([[], 60_000, 2]);
    model.acknowledges = true;
    model.waitForNext();
    expect([model.running, model.nextAtMs, model.alerts.length]).toEqual([[], null, 3]);
    model.deliver({ kind: 'retry' });
    expect(model.running).toEqual(['01 action']);
  });

  it('does not count ONGOING', () => {
    const model = new Model(message(1));
    model.deliver({ kind: 'submitted', options: {} });
    for (let i = 0; i < 5; i++) {
      model.respond('01 action', 'ONGOING');
      model.waitForNext();
    }
    expect(model.alerts).toEqual([]);
  });

  it('counts over all branches, and again from zero after progress', () => {
    const model = new Model(message(2, { concurrent: true }));
    model.deliver({ kind: 'submitted', options: {} });
    model.respond('01 action', 'UNKNOWN');
    model.respond('02 action', 'UNKNOWN');
    model.waitForNext();
    model.respond('01 action');
    model.respond('02 action', 'UNKNOWN');
    model.waitForNext();
    model.respond('02 action', 'UNKNOWN');
    expect(model.alerts).toEqual([]);
    model.waitForNext();
    model.respond('02 action', 'UNKNOWN', 'still down');
    expect(model.alerts).toEqual([{ branch: '02 action', error: 'still down', retryCount: 3 }]);
  });
});
