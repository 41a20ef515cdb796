import { HoldfastError, LIMITS } from '@holdfast/protocol';
import type { Step, TransactionOptions } from '../model.ts';

/**
 * The numeric options, by their names on dtm's wire. A timeout to fail longer than the bound means
 * "never" on that wire and is accepted.
 */
const BOUNDS = [
  ['request_timeout', 'requestTimeoutMs', LIMITS.requestTimeoutMs],
  ['retry_interval', 'retryIntervalMs', LIMITS.retryIntervalMs],
  ['custom_data.delay', 'delayMs', LIMITS.delayMs],
  ['timeout_to_fail', 'timeoutToFailMs', LIMITS.timeoutToFailMs],
] as const;

/** Checks durations and counts. Throws `invalid`, naming the field and the bound. */
export function acceptOptions(gid: string, options: TransactionOptions): void {
  for (const [field, name, most] of BOUNDS) acceptDuration(gid, field, options[name], most);
  if (isCount(options.retryLimit) && options.retryLimit <= LIMITS.retryLimit) return;
  const fault = `must be a whole number from 0 to ${LIMITS.retryLimit}; these retries follow each other at once`;
  throw new HoldfastError('invalid', `retry_limit ${fault}`, { gid, field: 'retry_limit' });
}

/** Checks a step's request timeout. Throws `invalid`. */
export function acceptStepTimeout(gid: string, { requestTimeoutMs }: Step, index: number): void {
  if (requestTimeoutMs !== undefined)
    acceptDuration(gid, `steps[${index}].requestTimeoutMs`, requestTimeoutMs, LIMITS.requestTimeoutMs);
}

function acceptDuration(gid: string, field: string, ms: number, most: number): void {
  if (isCount(ms) && ms <= most) return;
  const fault = `must be at most ${most / 1_000} s (${most} ms), this one is ${ms / 1_000} s`;
  throw new HoldfastError('invalid', `${field} ${fault}`, { gid, field });
}

const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0;
