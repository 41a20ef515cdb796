import { StoreError } from '../store/store.ts';

/**
 * Timeout of a statement about a session, including the connection for it. A heartbeat over a
 * connection without a response is abandoned while the lease still holds, and sent again over a new
 * connection: a session does not wait for the timeout of other statements.
 */
export const SESSION_TIMEOUT_MS = 3_000;

const LONGEST_TIMEOUT_MS = 600_000;

/**
 * Checks a timeout among a store driver's options. Throws `invalid` unless it is in whole
 * milliseconds, from one to ten minutes.
 */
export function checkedTimeout(name: string, ms: number): number {
  if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS)
    throw new StoreError(
      'invalid',
      `${name} is ${ms}; it must be a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
    );
  return ms;
}
