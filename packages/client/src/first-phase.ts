import { readableReason } from '@holdfast/protocol';
import {
  CoordinatorUnreachable,
  RequestRejected,
  TransactionFailed,
  TransactionStopped,
  UnexpectedAnswer,
} from './errors.ts';
import type { SubmitOptions } from './options.ts';
import { reader } from './outcome.ts';
import { Submission, type SubmissionContext } from './submission.ts';
import { type TransactionOptions, wireOptions } from './transaction-options.ts';

/** Options of a transaction whose first phase runs in the application: a tcc or an xa. */
export interface TwoPhaseOptions extends TransactionOptions, SubmitOptions {
  /**
   * The coordinator cancels the transaction when it is not submitted after so long: because its process died, or takes longer. Default: the
   * coordinator's (35 s unless configured).
   */
  readonly timeoutToFailMs?: number;
}

/**
 * Runs the first phase of a tcc or xa between its preparation and its end: submits it when `firstPhase` returns, cancels it when that throws.
 *
 * @param run names this run of a tcc; nested branches of other runs make the transaction abort
 * @throws {TransactionFailed} it was cancelled; `cause` is what `firstPhase` threw, if that is why.
 *   Also when another run under the gid registered a branch that this one did not call
 * @throws {CoordinatorUnreachable} see there: its `cause` tells whether it was the order to cancel that was not delivered
 */
export async function withPrepared<T>(
  context: SubmissionContext,
  pattern: 'tcc' | 'xa',
  gid: string,
  { wait, signal, ...transaction }: TwoPhaseOptions,
  firstPhase: () => Promise<FirstPhaseEnd<T>>,
  run?: string,
): Promise<T> {
  const submission = new Submission(context);
  await submission.prepare({ gid, pattern, status: 'prepared', ...wireOptions(transaction) }, signal);
  let ended: FirstPhaseEnd<T>;
  try {
    ended = await firstPhase();
    signal?.throwIfAborted();
  } catch (thrown) {
    const error = await cancel(context, submission, gid, thrown, wait);
    // A cancelled call throws the signal's own reason, as everywhere in the SDK.
    throw signal?.aborted === true && thrown === signal.reason ? thrown : error;
  }
  const options = { ...(wait === undefined ? {} : { wait }), ...(signal === undefined ? {} : { signal }) };
  const { value, branches } = ended;
  await submission.submitPrepared(gid, options, { branches: [...branches], ...(run === undefined ? {} : { run }) });
  return value;
}

/** What the work of a first phase returned, and the branches that it called. */
export interface FirstPhaseEnd<T> {
  readonly value: T;
  readonly branches: readonly string[];
}

/**
 * Runs the first phase of a part of somebody else's tcc. When it throws, the whole is cancelled from here: its branches, some of them not tried, would be
 * confirmed with those of the others if anybody between here and the initiator made nothing of the failure. The cancels may overtake tries that are under
 * way then, as when the time of a tcc is over; the barrier stops these.
 *
 * @throws what `firstPhase` threw, also when the order to cancel was not delivered: the try fails, and with it the whole
 * @throws {RequestRejected} the whole had been submitted before this part ended; `cause` is what `firstPhase` threw
 */
export async function joined<T>(
  context: SubmissionContext,
  gid: string,
  firstPhase: () => Promise<FirstPhaseEnd<T>>,
): Promise<T> {
  try {
    return (await firstPhase()).value;
  } catch (thrown) {
    const error = await cancel(context, new Submission(context), gid, thrown, false);
    const submitted =
      error instanceof RequestRejected &&
      (error.transactionStatus === 'submitted' || error.transactionStatus === 'succeed');
    throw submitted ? error : thrown;
  }
}

/** Cancels, whether or not the caller still waits, and answers what is to be thrown. */
async function cancel(
  context: SubmissionContext,
  submission: Submission,
  gid: string,
  thrown: unknown,
  wait: SubmitOptions['wait'],
): Promise<Error> {
  try {
    const { status, rollbackReason, stopped } = await submission.giveUp(gid, thrown, wait);
    if (stopped !== '') return new TransactionStopped(gid, stopped, reader(context.api, gid), { cause: thrown });
    const now = status === 'failed' ? 'failed' : 'aborting';
    const reason = readableReason(rollbackReason);
    return new TransactionFailed(gid, now, reason, reader(context.api, gid), { cause: thrown });
  } catch (error) {
    if (error instanceof CoordinatorUnreachable)
      return new CoordinatorUnreachable(error.url, gid, error.attempts, error.cause, { thrown });
    if (error instanceof UnexpectedAnswer) return new CoordinatorUnreachable(error.url, gid, 1, error, { thrown });
    if (!(error instanceof RequestRejected)) return error as Error;
    // It was submitted by another run under the same gid.
    const { rejection, message, field, transactionStatus } = error;
    return new RequestRejected(rejection, message, { gid, field, transactionStatus, cause: thrown });
  }
}
