import type { SubmitOptions } from './options.ts';

/**
 * Checks the option `wait`. Called before anything is sent: a wrong value must not fail a call
 * whose transaction exists already.
 *
 * @throws {TypeError} the option is not a boolean or an object with a timeout
 */
export function checkWait({ wait }: SubmitOptions = {}): void {
  if (wait === undefined || typeof wait === 'boolean') return;
  if (typeof wait !== 'object' || (wait as object | null) === null)
    throw new TypeError(`wait must be true, false or { timeoutMs }, not ${shown(wait)}`);
  checkTime('wait.timeoutMs', wait.timeoutMs);
}

/** Throws a TypeError unless the value is a time in ms; Infinity is one. */
export function checkTime(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new TypeError(`${name} must be a number of 0 or more, not ${shown(value)}`);
}

/** Throws a TypeError unless the value is the version of a transaction, or 0. */
export function checkVersion(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return;
  throw new TypeError(`${name} must be a whole number of 0 or more, not ${shown(value)}`);
}

const shown = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
