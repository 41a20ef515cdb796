import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '@holdfast/branches/event-loop';

describe('the system clock', () => {
  it('never goes backwards', () => {
    let last = systemClock.monotonicMs();
    for (let index = 0; index < 1_000; index++) {
      const now = systemClock.monotonicMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('ends a turn after all that has come in was handled', async () => {
    const seen: string[] = [];
    const ended = new Promise<void>((resolve) =>
      systemClock.endOfTurn(() => {
        seen.push('end of turn');
        resolve();
      }),
    );
    queueMicrotask(() => seen.push('microtask'));
    process.nextTick(() => seen.push('tick'));
    await ended;
    expect(seen).toEqual(['microtask', 'tick', 'end of turn']);
  });

  describe('timers', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('fire once after their delay', () => {
      const callback = vi.fn();
      systemClock.setTimer(50, callback);
      vi.advanceTimersByTime(49);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1_000);
      expect(callback).toHaveBeenCalledTimes(1);
    });

    it('do not fire once cancelled', () => {
      const callback = vi.fn();
      systemClock.setTimer(50, callback).cancel();
      systemClock.setTimer(2 ** 33, callback).cancel();
      vi.advanceTimersByTime(2 ** 34);
      expect(callback).not.toHaveBeenCalled();
    });

    it('may be longer than the 25 days of one timer of Node', () => {
      const delayMs = 365 * 24 * 3_600_000;
      const callback = vi.fn();
      const setTimeout = vi.spyOn(globalThis, 'setTimeout');
      systemClock.setTimer(delayMs, callback);
      vi.advanceTimersByTime(delayMs - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
      for (const [, partMs] of setTimeout.mock.calls) expect(partMs).toBeLessThan(2 ** 31);
    });
  });
});
