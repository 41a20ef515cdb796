import { backOff } from './back-off.ts';

/**
 * The time for the retries of one call. Failures use it up: the pauses, and the duration of failed
 * attempts. The time for which the coordinator was to hold a response back is not a failure and
 * does not count, so that a call that waits ends at most this time, and one more attempt, after its
 * wait.
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
   * @param heldMs the part of `tookMs` for which the response was held back as requested
   * @param retryAfterMs the time after which the response allows a repeat
   * @returns the pause before the next attempt in ms; undefined if no time is left
   */
  failed(attempt: number, tookMs: number, heldMs: number, retryAfterMs = 0): number | undefined {
    this.#leftMs -= Math.max(0, tookMs - heldMs);
    // Clients that were rejected together do not return simultaneously.
    const pauseMs = retryAfterMs + backOff(attempt);
    if (pauseMs > this.#leftMs) return undefined;
    this.#leftMs -= pauseMs;
    return pauseMs;
  }
}
