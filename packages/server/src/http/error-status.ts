import type { ErrorCode, HoldfastError } from '@holdfast/protocol';

/** The only mapping from error codes to HTTP statuses. */
export const STATUS_OF_ERROR: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  not_found: 404,
  refused: 409,
  too_large: 413,
  internal: 500,
  unavailable: 503,
  overloaded: 503,
};

const RETRY_AFTER: readonly string[] = ['Retry-After', '1'];
const NOTHING: readonly string[] = [];

/** Headers of an error response: when to retry. */
export const headOfError = ({ code }: HoldfastError): readonly string[] =>
  code === 'unavailable' || code === 'overloaded' ? RETRY_AFTER : NOTHING;
