import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '@holdfast/core';
import { atEndOfTurn } from './end-of-turn.ts';

/** Node fires a longer timer immediately, so longer waits consist of several. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The machine's clock. Its timers keep the process alive: a coordinator has work to finish until it
 * is closed.
 */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, callback) {
    if (delayMs <= LONGEST_TIMER_MS) {
      const timeout = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timeout) };
    }
    return longTimer(delayMs, callback);
  },
  endOfTurn: atEndOfTurn,
};

function longTimer(delayMs: number, callback: () => void): Timer {
  let timeout: NodeJS.Timeout | undefined;
  let leftMs = delayMs;
  const next = (): void => {
    const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
    leftMs -= partMs;
    timeout = setTimeout(leftMs > 0 ? next : callback, partMs);
  };
  next();
  return { cancel: () => clearTimeout(timeout) };
}
