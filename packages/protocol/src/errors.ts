import { type FieldNames, type FieldPath, renderField } from './field-path.ts';
import { readableThrown, textOfThrown } from './thrown.ts';
import type { Status } from './vocabulary.ts';

/**
 * The closed set of errors with which a coordinator responds. Transports map codes (`ERROR_RULES`),
 * never message texts.
 * - `invalid`: the request is wrong; repeating it cannot help.
 * - `too_large`: a declared limit is exceeded.
 * - `not_found`: no such transaction, topic or key.
 * - `refused`: the transaction's state does not allow the change.
 * - `exists`: the gid belongs to a transaction with other content.
 * - `wrong_pattern`: the operation does not exist for the transaction's pattern, or the caller
 *   named another one.
 * - `unauthenticated`: the caller has not proved its identity.
 * - `forbidden`: the caller's roles or namespaces do not allow the operation.
 * - `too_many_requests`: the caller, or its address, has sent too many requests; repeat it later.
 * - `deadline_exceeded`: the caller's deadline has passed. `outcome` shows whether the change was
 *   started; a repetition with the same gid is safe.
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
  'exists',
  'wrong_pattern',
  'unauthenticated',
  'forbidden',
  'too_many_requests',
  'deadline_exceeded',
  'unavailable',
  'overloaded',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface HoldfastErrorDetails {
  readonly gid?: string;
  /**
   * The field at fault, in the names of `/api/v1`, or of the caller's own wire if its reader
   * rejected the request.
   */
  readonly field?: FieldPath;
  /** Status of the transaction, if it was the reason for rejecting a change. */
  readonly status?: Status;
  /** Only of `deadline_exceeded`. */
  readonly outcome?: DeadlineOutcome;
  /** When to repeat the request, if that is known. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * What is known about a change when its caller's deadline passes: it was not started and will not
 * be, or it was started and may have been made or be made yet.
 */
export type DeadlineOutcome = 'not_started' | 'unknown';

/**
 * The only error class of the coordinator and of SDK internals. The message states what happened,
 * to which gid, and what to do about it. The message does not name the field at fault: each
 * transport puts the field's name in front (`renderError`).
 */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly gid: string | undefined;
  readonly field: FieldPath | undefined;
  readonly status: Status | undefined;
  readonly outcome: DeadlineOutcome | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: HoldfastErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.gid = details.gid;
    this.field = details.field;
    this.status = details.status;
    this.outcome = details.outcome;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** Converts anything thrown; a value other than a HoldfastError becomes `internal`. */
  static from(thrown: unknown): HoldfastError {
    const readable = readableThrown(thrown);
    if (readable instanceof HoldfastError) return readable;
    return new HoldfastError('internal', textOfThrown(thrown), { cause: readable });
  }
}

/** An error in the words of one transport. Only the text of `message` is for readers. */
export interface RenderedError {
  readonly code: ErrorCode;
  /** Begins with the field's name, if there is one: `steps[2].payload: must be …`. */
  readonly message: string;
  /** The message without the field's name. */
  readonly fault: string;
  readonly field: string | undefined;
  readonly gid: string | undefined;
  /** Status of the transaction, if it was the reason for rejecting a change. */
  readonly status: Status | undefined;
}

/**
 * Renders an error for a caller, with the field in the names of the caller's transport. The text of
 * an internal error stays in the log.
 */
export function renderError(error: HoldfastError, names?: FieldNames): RenderedError {
  const { code, gid, status } = error;
  const field = error.field === undefined ? undefined : renderField(error.field, names);
  const fault = code === 'internal' ? INTERNAL : error.message;
  return { code, message: withField(field, fault), fault, field, gid, status };
}

/** The text of an error about a field; the only place that joins the two. */
export const withField = (field: string | undefined, fault: string): string =>
  field === undefined ? fault : `${field}: ${fault}`;

/**
 * The second part of a text that `withField` joined, for transports that carry the whole text only;
 * undefined if the text does not begin with the field.
 */
export function withoutField(field: string, whole: string): string | undefined {
  const start = withField(field, '');
  return whole.startsWith(start) ? whole.slice(start.length) : undefined;
}

const INTERNAL = 'internal error; the log of the coordinator has the details';
