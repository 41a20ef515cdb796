import type { TransactionOptions } from '../model.ts';
import type { Moment, Policy } from './step.ts';

/** Share of an interval that jitter may add, so that what failed together does not come back together. */
const JITTER = 0.2;

/**
 * Interval before the first retry, and of every ONGOING one: `retryIntervalMs`, else `timeoutToFailMs` if shorter than the server's interval,
 * else the server's (protocol page, "Retry schedule").
 */
export function plainIntervalMs(options: TransactionOptions, policy: Policy): number {
  if (options.retryIntervalMs > 0) return options.retryIntervalMs;
  if (options.timeoutToFailMs > 0 && options.timeoutToFailMs < policy.retryIntervalMs) return options.timeoutToFailMs;
  return policy.retryIntervalMs;
}

/** Interval after so many UNKNOWN answers in a row (1: the first): doubles, up to the cap, plus jitter. The cap never shortens what the client asked for. */
export function backOffMs(options: TransactionOptions, failures: number, moment: Moment): number {
  const plain = plainIntervalMs(options, moment.policy);
  const cap = Math.max(plain, moment.policy.maxRetryIntervalMs);
  const interval = Math.min(cap, plain * 2 ** Math.min(failures - 1, 30));
  return Math.round(interval * (1 + JITTER * moment.random));
}
