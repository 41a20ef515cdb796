import { ERROR_RULES, type ErrorCode } from '@holdfast/protocol';

const RETRY_AFTER: readonly string[] = ['Retry-After', '1'];
const NOTHING: readonly string[] = [];

/** Headers of an error response: when to retry, for an error that is expected to pass (503). */
export const headOfError = (code: ErrorCode): readonly string[] =>
  ERROR_RULES[code].httpStatus === 503 ? RETRY_AFTER : NOTHING;
