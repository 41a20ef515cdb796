const SCHEME = 'file:';

/** The path in a value `file:PATH` of an option; undefined for any other value. */
export const pathOfFileValue = (value: string): string | undefined =>
  value.startsWith(SCHEME) ? value.slice(SCHEME.length) : undefined;
