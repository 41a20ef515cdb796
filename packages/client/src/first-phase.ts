import { readableReason, type TransactionSummary } from '@holdfast/protocol';
import { delivered } from './api/delivered.ts';
import {
  CoordinatorUnreachable,
  RequestRejected,
  TransactionFailed,
  TransactionStopped,
  UnexpectedResponse,
} from './errors.ts';
import type { CallOptions, SubmitOptions } from './options.ts';
import { reader } from './outcome.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type TransactionOptions, wireOptions } from './transaction-options.ts';
import { checkWait } from './wait-option.ts';

/** Options of a transaction whose first phase runs in the application: a tcc or an xa. */
export interface TwoPhaseOptions extends TransactionOptions, SubmitOptions {
  /**
   * The coordinator cancels a transaction that is not submitted within this time, in ms, because
   * its process died or takes longer. Default: the coordinator's setting (35 s by default).
   */
  readonly timeoutToFailMs?: number;
}

/**
 * Runs the first phase of a tcc or xa between its preparation and its end: submits it when
 * `firstPhase` returns, cancels it when that throws.
 *
 * @param run names this run of a tcc; nested branches of other runs make the transaction abort
 * @throws {TypeError} the secret that a header names is missing; nothing began
 * @throws {TransactionFailed} the transaction was cancelled; `cause` is what `firstPhase` threw, if
 *   that is the reason. Also if another run under the gid registered a branch that this one did not
 *   call
 * @throws {CoordinatorUnreachable} the coordinator could not be reached; if the request to cancel
 *   was not delivered, `cause` is what `firstPhase` threw
 */
export async function withPrepared<T>(
  context: SubmissionContext,
  pattern: 'tcc' | 'xa',
  gid: string,
  options: TwoPhaseOptions,
  firstPhase: () => Promise<FirstPhaseEnd<T>>,
  run?: string,
): Promise<T> {
  checkWait(options);
  const fault = context.api.secretFaultOf(options.branchHeaders ?? {});
  if (fault !== undefined) throw new TypeError(`branchHeaders.${fault.header}: ${fault.why}`);
  const { signal } = options;
  const submission = new Submission(context);
  const phase = () => decide(context, submission, pattern, gid, options, firstPhase, run);
  // A shutdown waits for the decision, but not for the second phase.
  const decided = await (context.work === undefined ? phase() : context.work.run(gid, phase));
  if (decided.kind === 'submitted') {
    const isWaited = includesWait(context);
    submission.orThrow(isWaited ? decided.seen : await submission.untilFinal(decided.seen, options), options);
    return decided.value;
  }
  throw await failure(context, gid, decided.thrown, () => submission.untilFinal(decided.seen, options), signal);
}

const includesWait = ({ work }: SubmissionContext): boolean => work === undefined || work.includesWait;

type Decided<T> =
  | { readonly kind: 'submitted'; readonly value: T; readonly seen: TransactionSummary }
  | { readonly kind: 'cancelled'; readonly seen: TransactionSummary; readonly thrown: unknown };

async function decide<T>(
  context: SubmissionContext,
  submission: Submission,
  pattern: 'tcc' | 'xa',
  gid: string,
  { wait, signal, callTimeoutMs, ...transaction }: TwoPhaseOptions,
  firstPhase: () => Promise<FirstPhaseEnd<T>>,
  run: string | undefined,
): Promise<Decided<T>> {
  const callOptions: CallOptions = {
    ...(signal !== undefined && { signal }),
    ...(callTimeoutMs !== undefined && { callTimeoutMs }),
  };
  await submission.prepare({ gid, pattern, status: 'prepared', ...wireOptions(transaction) }, callOptions);
  let ended: FirstPhaseEnd<T>;
  try {
    ended = await firstPhase();
    signal?.throwIfAborted();
  } catch (thrown) {
    const seen = await delivered(cancel(submission, gid, thrown, callOptions), signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
    // A cancelled call throws the signal's own reason, as everywhere in the SDK.
    signal?.throwIfAborted();
    return { kind: 'cancelled', seen, thrown };
  }
  const { value, branches } = ended;
  // A shutdown waits for this, but not for the second phase.
  const submitOptions = { ...callOptions, ...(includesWait(context) && wait !== undefined && { wait }) };
  const request = { branches: [...branches], ...(run === undefined ? {} : { run }) };
  return { kind: 'submitted', value, seen: await submission.decide(gid, request, submitOptions) };
}

/** The value that the work of a first phase returned, and the branches that it called. */
export interface FirstPhaseEnd<T> {
  readonly value: T;
  readonly branches: readonly string[];
}

/**
 * Runs the first phase of a part of a tcc that another process initiated. If `firstPhase` throws,
 * this cancels the whole tcc: otherwise, if code between here and the initiator ignored the
 * failure, the branches of this part, some of them not tried, would be confirmed with the others.
 * The cancels may overtake tries in flight, as after the timeout of a tcc; the barrier rejects
 * these tries.
 *
 * @throws what `firstPhase` threw, also if the request to cancel was not delivered: the try fails,
 *   and with it the whole tcc
 * @throws {RequestRejected} the tcc was submitted before this part ended; `cause` is what
 *   `firstPhase` threw
 */
export async function joined<T>(
  context: SubmissionContext,
  gid: string,
  firstPhase: () => Promise<FirstPhaseEnd<T>>,
): Promise<T> {
  try {
    return (await firstPhase()).value;
  } catch (thrown) {
    const error = await failure(context, gid, thrown, () => new Submission(context).abandon(gid, thrown));
    const submitted = error instanceof RequestRejected && (error.status === 'submitted' || error.status === 'succeed');
    throw submitted ? error : thrown;
  }
}

/** Cancels the transaction. Rejects with the error to be thrown. */
async function cancel(
  submission: Submission,
  gid: string,
  thrown: unknown,
  options: CallOptions,
): Promise<TransactionSummary> {
  try {
    return await submission.abandon(gid, thrown, options);
  } catch (error) {
    throw undelivered(gid, error, thrown);
  }
}

/** The error to throw for a transaction that is cancelled, once `read` has read it. */
async function failure(
  context: SubmissionContext,
  gid: string,
  thrown: unknown,
  read: () => Promise<TransactionSummary>,
  signal?: AbortSignal,
): Promise<Error> {
  try {
    const { status, rollbackReason, stopped } = await read();
    if (stopped !== '') return new TransactionStopped(gid, stopped, reader(context.api, gid), { cause: thrown });
    const now = status === 'failed' ? 'failed' : 'aborting';
    const reason = readableReason(rollbackReason);
    return new TransactionFailed(gid, now, reason, reader(context.api, gid), { cause: thrown });
  } catch (error) {
    return signal?.aborted === true ? (signal.reason as Error) : undelivered(gid, error, thrown);
  }
}

function undelivered(gid: string, error: unknown, thrown: unknown): Error {
  if (error instanceof CoordinatorUnreachable)
    return new CoordinatorUnreachable(error.url, gid, error.attempts, 'unknown', error.cause, { thrown });
  if (error instanceof UnexpectedResponse)
    return new CoordinatorUnreachable(error.url, gid, 1, 'unknown', error, { thrown });
  if (!(error instanceof RequestRejected)) return error as Error;
  // It was submitted by another run under the same gid.
  const { rejection, message, field, status } = error;
  return new RequestRejected(rejection, message, { gid, field, status, cause: thrown });
}
