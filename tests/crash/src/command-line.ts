/** An invalid command line; the message names the option. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A number from 1. */
export const positive = (name: string, text: string | undefined, otherwise: number): number =>
  wholeNumber(name, text, otherwise, 1);

/** A number from 0. */
export const count = (name: string, text: string | undefined, otherwise: number): number =>
  wholeNumber(name, text, otherwise, 0);

function wholeNumber(name: string, text: string | undefined, otherwise: number, least: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new UsageError(`--${name} must be a whole number from ${least}, not ${text}`);
  return value;
}
