import { type FieldPath, HoldfastError, LIMITS } from '@holdfast/protocol';
import type { Step, TransactionOptions } from '../patterns/model.ts';

/** The durations, each with the longest that is accepted. */
const BOUNDS = [
  ['requestTimeoutMs', LIMITS.requestTimeoutMs],
  ['retryIntervalMs', LIMITS.retryIntervalMs],
  ['delayMs', LIMITS.delayMs],
  ['timeoutToFailMs', LIMITS.timeoutToFailMs],
] as const;

/** Checks durations and counts. Throws `invalid`, naming the field and the bound. */
export function acceptOptions(gid: string, options: TransactionOptions): void {
  for (const [name, most] of BOUNDS)
    if (!isDuration(options[name], most)) throw notADuration(gid, [name], options[name], most);
  if (isCount(options.retryLimit) && options.retryLimit <= LIMITS.retryLimit) return;
  const fault = `must be a whole number from 0 to ${LIMITS.retryLimit}; these retries follow each other at once`;
  throw new HoldfastError('invalid', fault, { gid, field: ['retryLimit'] });
}

/** Checks a step's request timeout. Throws `invalid`. */
export function acceptStepTimeout(gid: string, { requestTimeoutMs }: Step, index: number): void {
  if (requestTimeoutMs !== undefined && !isDuration(requestTimeoutMs, LIMITS.requestTimeoutMs))
    throw notADuration(gid, ['steps', index, 'requestTimeoutMs'], requestTimeoutMs, LIMITS.requestTimeoutMs);
}

const isDuration = (ms: number, most: number): boolean => isCount(ms) && ms <= most;

function notADuration(gid: string, field: FieldPath, ms: number, most: number): HoldfastError {
  const fault = `must be from 0 to ${most / 1_000} s (${most} ms), in whole milliseconds, not ${ms / 1_000} s`;
  return new HoldfastError('invalid', fault, { gid, field });
}

const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0;
