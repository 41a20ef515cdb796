import { StoreError } from '@holdfast/core';

/** Version of the whole file's layout; a change of keys or indexes raises it and adds a migration. */
export const SCHEMA_VERSION = 1;

/**
 * Format of the values, the first byte of each. A change of a value's layout raises it; readers keep the branch for the one before, so that a file
 * that was written by the previous Holdfast is read as it is and rewritten as records change.
 */
export const VALUE_FORMAT = 1;

/** Throws `unsupported_format` unless this Holdfast reads values of that format. */
export function checkFormat(format: number): void {
  if (format !== VALUE_FORMAT)
    throw new StoreError(
      'unsupported_format',
      `a value has format ${format}; this Holdfast reads format ${VALUE_FORMAT}: start the version that wrote it, or a newer one`,
    );
}
