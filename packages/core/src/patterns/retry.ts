import type { Transaction, TransactionOptions } from './model.ts';
import type { Moment, Policy } from './step.ts';

/**
 * Share of an interval that jitter may add, so that calls that failed together are not retried
 * together.
 */
const JITTER = 0.2;

/**
 * Interval before the first retry, and before each call after ONGOING: `retryIntervalMs`; otherwise
 * `timeoutToFailMs` if shorter than the server's interval; otherwise the server's interval
 * (protocol page, "Retry schedule").
 */
export function plainIntervalMs(options: TransactionOptions, policy: Pick<Policy, 'retryIntervalMs'>): number {
  if (options.retryIntervalMs > 0) return options.retryIntervalMs;
  if (options.timeoutToFailMs > 0 && options.timeoutToFailMs < policy.retryIntervalMs) return options.timeoutToFailMs;
  return policy.retryIntervalMs;
}

/**
 * Interval after a number of UNKNOWN results in a row (1: the first): doubles up to the cap, plus
 * jitter. The cap never shortens the interval that the client requested.
 */
export function backOffMs(options: TransactionOptions, failures: number, moment: Moment): number {
  const plain = plainIntervalMs(options, moment.policy);
  const cap = Math.max(plain, moment.policy.maxRetryIntervalMs);
  const interval = Math.min(cap, plain * 2 ** Math.min(failures - 1, 30));
  return Math.round(interval * (1 + JITTER * moment.random));
}

/** Number of immediate retries under a retry limit; further retries are paced. */
const IMMEDIATE_RETRIES = 10;
const FIRST_PACED_MS = 100;

/**
 * Delay of the next retry that counts towards `retryLimit`, in ms: 0 for the first ten, then 100
 * ms, doubling up to the plain interval. (dtm makes all of them at once: a large limit would keep a
 * coordinator and a participant busy with one transaction.)
 */
export function limitedRetryMs({ options, state }: Transaction, { policy }: Moment): number {
  const paced = state.limitedRetries - IMMEDIATE_RETRIES;
  if (paced < 0) return 0;
  return Math.min(plainIntervalMs(options, policy), FIRST_PACED_MS * 2 ** Math.min(paced, 30));
}
