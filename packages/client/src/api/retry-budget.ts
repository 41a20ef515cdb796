import { backOff } from './back-off.ts';

/**
 * The time for the retries of one call. Failures use it up: the pauses, and how long attempts took
 * to fail. The time for which the coordinator was asked to hold a response back is not a failure,
 * and does not count. So a call that waits ends at the latest when its wait and this time have
 * passed, and one more attempt.
 */
export class RetryBudget {
  #leftMs: number;

  constructor(retryForMs: number) {
    this.#leftMs = retryForMs;
  }

  /**
   * Counts a failed attempt.
   *
   * @param attempt from 1
   * @param heldMs how much of `tookMs` the response was held back as asked
   * @returns the pause before the next attempt in ms; undefined: there is no time for one
   */
  failed(attempt: number, tookMs: number, heldMs: number): number | undefined {
    this.#leftMs -= Math.max(0, tookMs - heldMs);
    const pauseMs = backOff(attempt);
    if (pauseMs > this.#leftMs) return undefined;
    this.#leftMs -= pauseMs;
    return pauseMs;
  }
}
