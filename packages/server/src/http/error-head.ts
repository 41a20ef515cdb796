import { ERROR_RULES, type ErrorCode } from '@holdfast/protocol';

const RETRY_AFTER: readonly string[] = ['Retry-After', '1'];
/** Basic authorization is accepted and not offered: browsers would open a dialog for a password. */
const AUTHENTICATE: readonly string[] = ['WWW-Authenticate', 'Bearer realm="holdfast"'];
const NOTHING: readonly string[] = [];

interface StatedError {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number | undefined;
}

/**
 * Headers of an error response: when to retry, for an error that is expected to pass (429, 503),
 * and how to authenticate (401).
 */
export function headOfError({ code, retryAfterMs }: StatedError): readonly string[] {
  const { httpStatus } = ERROR_RULES[code];
  if (httpStatus === 401) return AUTHENTICATE;
  if (httpStatus !== 503 && httpStatus !== 429) return NOTHING;
  // The field has whole seconds.
  return retryAfterMs === undefined
    ? RETRY_AFTER
    : ['Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1_000)))];
}
