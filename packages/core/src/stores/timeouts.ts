import { StoreError } from '../store.ts';

/**
 * The longest that a statement about a session (and a connection for it) may take. A heartbeat over
 * a connection that receives no response is abandoned while the lease still holds, and sent again
 * over a new connection: a session does not wait for the timeout of other statements.
 */
export const SESSION_TIMEOUT_MS = 3_000;

const LONGEST_TIMEOUT_MS = 600_000;

/** A time limit among a driver's options. Throws `invalid` unless it is in whole milliseconds, at least one and at most ten minutes. */
export function checkedTimeout(name: string, ms: number): number {
  if (!Number.isInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS)
    throw new StoreError('invalid', `${name} is ${ms}; it takes whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`);
  return ms;
}
