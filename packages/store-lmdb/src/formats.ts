import { StoreError } from '@holdfast/core/store';

/** Version of the file's layout. A change of keys or indexes increments it and adds a migration. */
export const SCHEMA_VERSION = 1;

/**
 * Format of the values, the first byte of each. A change of a value's layout increments it. Readers
 * keep support for the previous format, so that a file of the previous Holdfast can be read and is
 * rewritten as records change.
 */
export const VALUE_FORMAT = 1;

/** Throws `unsupported_format` unless this Holdfast reads values of this format. */
export function checkFormat(format: number): void {
  if (format !== VALUE_FORMAT)
    throw new StoreError(
      'unsupported_format',
      `a value has format ${format}; this Holdfast reads format ${VALUE_FORMAT}: start the version that wrote it, or a newer one`,
    );
}
