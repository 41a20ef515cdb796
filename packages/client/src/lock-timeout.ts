/** The largest value of databases: a signed 32-bit number of ms. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Checks the option `lockTimeoutMs`.
 *
 * @returns it
 * @throws {RangeError} it is not a whole number of ms from 0
 */
export function checkedLockTimeout(lockTimeoutMs: number): number {
  if (Number.isInteger(lockTimeoutMs) && lockTimeoutMs >= 0 && lockTimeoutMs <= MAX_MS) return lockTimeoutMs;
  throw new RangeError(
    `lockTimeoutMs is ${String(lockTimeoutMs)}: it takes a whole number of ms from 0 (no limit but the database's own) to ${MAX_MS}`,
  );
}
