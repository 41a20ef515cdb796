import type { Status } from './vocabulary.ts';

/**
 * The closed set of errors a Holdfast coordinator answers with. Transports map codes, never message texts.
 *
 * - `invalid`: the request is wrong; sending it again cannot help.
 * - `too_large`: a declared limit is exceeded.
 * - `not_found`: no such transaction, topic or key.
 * - `refused`: the transaction's state does not allow the change (FAILURE on dtm's wire).
 * - `unavailable`: the store could not make it durable, or the node is stopping; send it again with the same gid.
 * - `overloaded`: a bound is reached; send it again later.
 * - `internal`: a defect of Holdfast.
 */
export const ERROR_CODES = [
  'invalid',
  'too_large',
  'not_found',
  'refused',
  'unavailable',
  'overloaded',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface HoldfastErrorDetails {
  readonly gid?: string;
  /** Path of the offending field in the request, such as `steps[1].action`. */
  readonly field?: string;
  /** Status of the transaction that refused a change. */
  readonly status?: Status;
  readonly cause?: unknown;
}

/** The one error class of coordinator and SDK internals: says what happened, to which gid, and what to do about it. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly gid: string | undefined;
  readonly field: string | undefined;
  readonly status: Status | undefined;

  constructor(code: ErrorCode, message: string, details: HoldfastErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.gid = details.gid;
    this.field = details.field;
    this.status = details.status;
  }

  /** Converts anything thrown; what is not a HoldfastError becomes `internal`. */
  static from(thrown: unknown): HoldfastError {
    if (thrown instanceof HoldfastError) return thrown;
    return new HoldfastError('internal', messageOf(thrown), { cause: thrown });
  }
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return 'something that has no text was thrown';
  }
}
