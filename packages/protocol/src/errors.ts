import { readableThrown, textOfThrown } from './thrown.ts';
import type { Status } from './vocabulary.ts';

/**
 * The closed set of errors with which a coordinator responds. Transports map codes, never message
 * texts.
 * - `invalid`: the request is wrong; repeating it cannot help.
 * - `too_large`: a declared limit is exceeded.
 * - `not_found`: no such transaction, topic or key.
 * - `refused`: the transaction's state does not allow the change (FAILURE on dtm's wire).
 * - `unavailable`: the store could not make the change durable, or the node is shutting down;
 *   repeat the request with the same gid.
 * - `overloaded`: a limit is reached; repeat the request later.
 * - `internal`: a bug in Holdfast.
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
  /** Status of the transaction, if it was the reason for rejecting a change. */
  readonly status?: Status;
  readonly cause?: unknown;
}

/**
 * The only error class of the coordinator and of SDK internals. The message states what happened,
 * to which gid, and what to do about it.
 */
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

  /** Converts anything thrown; a value other than a HoldfastError becomes `internal`. */
  static from(thrown: unknown): HoldfastError {
    const readable = readableThrown(thrown);
    if (readable instanceof HoldfastError) return readable;
    return new HoldfastError('internal', textOfThrown(thrown), { cause: readable });
  }
}
