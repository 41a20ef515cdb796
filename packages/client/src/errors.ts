import {
  type DeadlineOutcome,
  type Op,
  type RejectionCode,
  type Status,
  textOfThrown,
  tlsReason,
  type TransactionDetails,
} from '@holdfast/protocol';
import { isOfCoordinator, retryAfterOf } from './api/retry-after.ts';
import type { WorkflowMismatch } from './workflow/mismatch.ts';

/**
 * Everything the SDK throws, distinguished by class or by `code`, never by the human-readable
 * message. Every error has `code`, `gid`, `field` and `status`, which are undefined where they do
 * not apply. A cancelled call (`signal`) throws the signal's reason instead. `BranchFailure` and
 * `BranchOngoing` are thrown by participants, and by the calls that an initiator makes itself.
 */
export type HoldfastClientError =
  | TransactionFailed
  | TransactionStopped
  | TransactionPending
  | CoordinatorUnreachable
  | DeadlineExceeded
  | RequestRejected
  | UnexpectedResponse
  | BranchUnknown
  | WorkflowMismatch;

/** Reads the transaction with its branches and timeline. */
export type ReadDetails = () => Promise<TransactionDetails>;

/**
 * The transaction was rolled back (`failed`) or is being rolled back (`aborting`; compensations
 * that do not succeed at once are retried until they do). None of its effects will remain. Act on
 * `reason`; start a new transaction if the business wants another try.
 *
 * `cause`: the error that the application's code threw, if it caused the rollback.
 */
export class TransactionFailed extends Error {
  override readonly name = 'TransactionFailed';
  readonly code = 'transaction_failed';
  readonly gid: string;
  readonly status: 'aborting' | 'failed';
  /**
   * The reason, human-readable: the text of the branch that failed, a timeout, an operator's
   * command.
   */
  readonly reason: string;
  /** Reads the transaction with its timeline, which shows the response of each branch. */
  readonly details: ReadDetails;

  constructor(
    gid: string,
    status: 'aborting' | 'failed',
    reason: string,
    details: ReadDetails,
    options?: { readonly cause?: unknown },
  ) {
    const progress = status === 'failed' ? 'was rolled back' : 'is being rolled back';
    super(`Transaction ${gid} ${progress}: ${reason === '' ? 'no reason was given' : reason}`, options);
    this.gid = gid;
    this.status = status;
    this.reason = reason;
    this.details = details;
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }
}

/**
 * An operator force-stopped the transaction: the coordinator no longer drives it, and did not
 * compensate it. Some of its branches may have taken effect and others not; `remainingEffects` of
 * the details lists them. Do not start the transaction again under another gid before these
 * effects are corrected by hand.
 */
export class TransactionStopped extends Error {
  override readonly name = 'TransactionStopped';
  readonly code = 'transaction_stopped';
  readonly gid: string;
  readonly status = 'failed';
  /** The operator's reason. */
  readonly reason: string;
  /** Reads the transaction with its timeline and its remaining effects. */
  readonly details: ReadDetails;

  constructor(gid: string, reason: string, details: ReadDetails, options?: { readonly cause?: unknown }) {
    super(`Transaction ${gid} was force-stopped by an operator (${reason}); its effects may remain`, options);
    this.gid = gid;
    this.reason = reason;
    this.details = details;
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }
}

/**
 * The timeout of the wait has expired and the transaction is still running: it may yet succeed or
 * be rolled back, and continues on its own. Do not start it again under another gid; await its
 * result with `wait(gid)`, or read it with `get(gid)`.
 */
export class TransactionPending extends Error {
  override readonly name = 'TransactionPending';
  readonly code = 'transaction_pending';
  readonly gid: string;
  readonly status: 'prepared' | 'submitted';
  /**
   * The reason in the last unsuccessful response, or another reason why the transaction waits;
   * empty if unknown.
   */
  readonly reason: string;
  readonly details: ReadDetails;

  constructor(
    gid: string,
    status: 'prepared' | 'submitted',
    reason: string,
    details: ReadDetails,
    options?: { readonly cause?: unknown },
  ) {
    const because = reason === '' ? '' : ` (${reason})`;
    super(
      `Transaction ${gid} is still running${because} and will continue; await its result with wait('${gid}')`,
      options,
    );
    this.gid = gid;
    this.status = status;
    this.reason = reason;
    this.details = details;
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }
}

/**
 * No coordinator responded within the time for retries, or the coordinator cannot accept work now.
 * Unless `outcome` is `not_started`, a submit may have taken effect or not: call `submit()` of the
 * same object again, or check with `get(gid)`. Both are safe.
 *
 * If the first phase of a tcc or xa failed and its cancellation was not delivered, `cause` is the
 * failure of the first phase: the coordinator cancels the transaction when its `timeoutToFailMs`
 * has expired.
 */
export class CoordinatorUnreachable extends Error {
  override readonly name: 'CoordinatorUnreachable' | 'DeadlineExceeded' = 'CoordinatorUnreachable';
  readonly code: 'coordinator_unreachable' | 'deadline_exceeded' = 'coordinator_unreachable';
  readonly url: string;
  readonly gid: string | undefined;
  readonly attempts: number;
  /**
   * `not_started`: no change was made and none will be. `unknown`: the transaction may exist, or
   * may be created or changed yet.
   */
  readonly outcome: DeadlineOutcome;
  /**
   * Of a caller that has reached a limit of the coordinator: the time after which it may repeat the
   * request, in ms. The SDK has waited that long before each repeat; this is the time that the last
   * response stated. Undefined: there was no such response.
   */
  readonly retryAfterMs: number | undefined;

  /**
   * @param given the error of the application's code, if the request to cancel was not delivered
   */
  constructor(
    url: string,
    gid: string | undefined,
    attempts: number,
    outcome: DeadlineOutcome,
    cause: unknown,
    given?: { readonly thrown: unknown },
  ) {
    const tries = attempts === 1 ? 'one attempt' : `${attempts} attempts`;
    const then =
      given === undefined
        ? ''
        : ' The request was to cancel the transaction; the coordinator cancels it when timeoutToFailMs has expired.';
    super(
      `The coordinator at ${url} did not accept the request${aboutOf(gid)} in ${tries}: ${whyOf(cause)}. ${knownOf(outcome)}.${adviceOf(url, cause)}${then}`,
      { cause: given === undefined ? cause : given.thrown },
    );
    this.url = url;
    this.gid = gid;
    this.attempts = attempts;
    this.outcome = outcome;
    this.retryAfterMs = retryAfterOf(cause);
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }

  /** The status is not known. */
  get status(): undefined {
    return undefined;
  }
}

/**
 * The time of the call has expired before its response: the coordinator responded so (`cause`),
 * or the `callTimeoutMs` of the call has passed. Whatever the `outcome`, the call may be repeated
 * with the same gid, as after any `CoordinatorUnreachable`.
 */
export class DeadlineExceeded extends CoordinatorUnreachable {
  override readonly name = 'DeadlineExceeded';
  override readonly code = 'deadline_exceeded';

  constructor(url: string, gid: string | undefined, attempts: number, outcome: DeadlineOutcome, cause: unknown) {
    super(url, gid, attempts, outcome, cause);
    this.message = `The request${aboutOf(gid)} to the coordinator at ${url} was not completed in time (attempts: ${attempts}): ${whyOf(cause)}. ${knownOf(outcome)}; the call may be repeated with the same gid.`;
  }
}

/**
 * The error to throw if an earlier request of the same call, or of the same object, may have made a
 * change: its outcome is `unknown`.
 */
export function inDoubt(error: unknown): unknown {
  if (!(error instanceof CoordinatorUnreachable) || error.outcome === 'unknown') return error;
  const { url, gid, attempts, cause } = error;
  const Class = error instanceof DeadlineExceeded ? DeadlineExceeded : CoordinatorUnreachable;
  return new Class(url, gid, attempts, 'unknown', cause);
}

const aboutOf = (gid: string | undefined): string => (gid === undefined ? '' : ` about transaction ${gid}`);

const knownOf = (outcome: DeadlineOutcome): string =>
  outcome === 'not_started' ? 'No change was started' : 'Its outcome is unknown';

/** Empty if a coordinator has responded: it is running, and this is its port. */
function adviceOf(url: string, cause: unknown): string {
  if (isOfCoordinator(cause)) return '';
  return cause instanceof Error && tlsReason(cause) !== undefined
    ? ' Check the scheme and port of the URL, and the option tls of connect().'
    : ` Check that a coordinator is running there, and that this is its port for ${url.startsWith('grpc') ? 'gRPC' : 'HTTP'}.`;
}

const whyOf = (cause: unknown): string => (cause instanceof Error ? messageOf(cause) : textOfThrown(cause));

/** An AggregateError of refused connections (one per address) has an empty message. */
function messageOf(error: Error): string {
  const reason = tlsReason(error);
  if (reason !== undefined) return reason;
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

export type { RejectionCode };

/**
 * The coordinator rejected the request; repeating it cannot help. `invalid` and `too_large`:
 * correct `field`. `not_found`: check the gid. `refused`: `status` does not allow the request.
 * `exists`: the gid belongs to a transaction with other content (`field` shows where it differs).
 * `wrong_pattern`: the transaction has another pattern. `unauthenticated` and `forbidden`: check
 * the credentials and the roles of this client.
 */
export class RequestRejected extends Error {
  override readonly name = 'RequestRejected';
  readonly code = 'request_rejected';
  readonly rejection: RejectionCode;
  readonly gid: string | undefined;
  /**
   * The offending option, parameter or method, in the names of this SDK: `steps[1].action`,
   * `checkBackUrl`, `delay()`.
   */
  readonly field: string | undefined;
  /** Status of the transaction, if it was the reason. */
  readonly status: Status | undefined;

  constructor(
    rejection: RejectionCode,
    message: string,
    details: {
      readonly gid?: string | undefined;
      readonly field?: string | undefined;
      readonly status?: Status | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.rejection = rejection;
    this.gid = details.gid;
    this.field = details.field;
    this.status = details.status;
  }
}

/**
 * The response did not come from a Holdfast coordinator of this version: a wrong URL, a proxy in
 * between, or a bug in the coordinator. The outcome is as unknown as with `CoordinatorUnreachable`,
 * and the same actions are safe once the cause is found.
 */
export class UnexpectedResponse extends Error {
  override readonly name = 'UnexpectedResponse';
  readonly code = 'unexpected_response';
  readonly url: string;
  readonly gid: string | undefined;
  /** Undefined: the coordinator was called over gRPC, or runs in this process. */
  readonly httpStatus: number | undefined;
  /** Undefined: the coordinator was not called over gRPC. */
  readonly grpcCode: number | undefined;
  /** As of a `CoordinatorUnreachable`. */
  readonly outcome = 'unknown';

  constructor(
    url: string,
    gid: string | undefined,
    httpStatus: number | undefined,
    what: string,
    cause?: unknown,
    grpcCode?: number,
  ) {
    const status = httpStatus === undefined ? `the gRPC code ${grpcCode}` : `HTTP ${httpStatus}`;
    super(
      httpStatus === undefined && grpcCode === undefined
        ? `The coordinator of this process (${url}) failed: ${what}. See the cause, and report it.`
        : `${url} responded with ${status}: ${what}. Check that a Holdfast coordinator of this version is running there, and read its log.`,
      cause === undefined ? undefined : { cause },
    );
    this.grpcCode = grpcCode;
    this.url = url;
    this.gid = gid;
    this.httpStatus = httpStatus;
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }

  /** The status is not known. */
  get status(): undefined {
    return undefined;
  }
}

/**
 * A branch that the initiator itself called (a try, an action of an xa) gave no decisive response:
 * it did not respond in time, could not be reached, or returned an error. Whether it did its work
 * is unknown, so the transaction must not be submitted; roll it back by letting this error through.
 */
export class BranchUnknown extends Error {
  override readonly name = 'BranchUnknown';
  readonly code = 'branch_unknown';
  readonly gid: string;
  readonly branchId: string;
  readonly op: Op;
  readonly url: string;
  /** The response or the failure, human-readable. */
  readonly reason: string;

  constructor(
    call: { readonly gid: string; readonly branchId: string; readonly op: Op; readonly url: string },
    reason: string,
  ) {
    super(`The outcome of ${call.op} of branch ${call.branchId} in transaction ${call.gid} is unknown: ${reason}`);
    this.gid = call.gid;
    this.branchId = call.branchId;
    this.op = call.op;
    this.url = call.url;
    this.reason = reason;
  }
  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }

  /** The status is not known. */
  get status(): undefined {
    return undefined;
  }
}
