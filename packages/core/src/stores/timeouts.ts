import { StoreError } from '../store.ts';

const LONGEST_TIMEOUT_MS = 600_000;

/** A time limit among a driver's options. Throws `invalid` unless it is in whole milliseconds, at least one and at most ten minutes. */
export function checkedTimeout(name: string, ms: number): number {
  if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS)
    throw new StoreError('invalid', `${name} is ${ms}; it takes whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`);
  return ms;
}
