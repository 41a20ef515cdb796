import { readableThrown, type Status, textOfThrown } from '@holdfast/protocol';
import { delivered } from './api/delivered.ts';
import { type Barrier, CommitUnknown, LocalTransactionRefused } from './barrier/barrier.ts';
import { TransactionEnded } from './barrier/errors.ts';
import {
  CoordinatorUnreachable,
  RequestRejected,
  TransactionFailed,
  TransactionPending,
  UnexpectedResponse,
} from './errors.ts';
import type { CallOptions, SubmitOptions } from './options.ts';
import { reader } from './outcome.ts';
import { isWaited, type Submission, type SubmissionContext } from './submission.ts';
import { checkWait } from './wait-option.ts';

/** The message that is sent. */
interface Sending extends SubmissionContext {
  readonly gid: string;
  readonly submission: Submission;
  /** Of requests that must be made although the signal is aborted. */
  readonly delivery: Pick<CallOptions, 'callTimeoutMs'>;
}

type MessageBarrier<Tx> = Pick<Barrier<Tx>, 'message' | 'checkBack'>;

/**
 * A message around a local transaction; see `Message.submitWith`.
 *
 * LT1  Nothing is committed before the message is prepared: from then on the coordinator checks
 *      back about the outcome.
 * LT2  The message is abandoned only if the barrier reports that the local transaction was not
 *      committed and can no longer be committed. An error of `work` does not prove that: one of its
 *      statements may have committed (in MySQL every schema change does), with the message's row.
 * LT3  Once committed, the message is sent: by the submit, or, if that does not arrive, by the
 *      coordinator's check-back. A submit that is not delivered is therefore not an error, and a
 *      signal does not prevent the attempt.
 * LT4  After any error the barrier is queried whether the local transaction was committed. If the
 *      query fails, nothing is decided here, and the coordinator will check back.
 * LT5  After the commit nothing throws `TransactionFailed`, which means that no effect remains.
 */
export async function sendWithLocalTransaction<Tx, T>(
  sending: Sending,
  barrier: MessageBarrier<Tx>,
  prepare: () => Promise<void>,
  work: (tx: Tx) => T | Promise<T>,
  options: SubmitOptions,
): Promise<T> {
  checkWait(options);
  const { signal } = options;
  const run = async (): Promise<T> => {
    await prepare();
    const value = await commit(sending, barrier, async (tx) => {
      signal?.throwIfAborted();
      try {
        return await work(tx);
      } catch (thrown) {
        throw readableThrown(thrown);
      }
    });
    const send = () => delivered(sending.submission.submitPrepared(sending.gid, sending.delivery), signal);
    await submitted(sending, options, send);
    return value;
  };
  const value = await (sending.work === undefined ? run() : sending.work.run(sending.gid, run));
  if (isWaited(options)) await submitted(sending, options, () => sending.submission.wait(sending.gid, options));
  return value;
}

/** Resolves to the result of `work` once it is known to be committed. */
async function commit<Tx, T>(sending: Sending, barrier: MessageBarrier<Tx>, work: (tx: Tx) => Promise<T>): Promise<T> {
  let returned: { readonly value: T } | undefined;
  try {
    return await barrier.message(sending.gid, async (tx) => {
      const value = await work(tx);
      returned = { value };
      return value;
    });
  } catch (thrown) {
    if (thrown instanceof LocalTransactionRefused) throw await refused(sending, barrier, thrown);
    if ((await queryBarrier(sending, barrier, thrown)) === 'refused') {
      if (thrown instanceof CommitUnknown)
        throw await failed(sending, 'the database did not commit the local transaction', thrown);
      await abandon(sending, thrown);
      throw thrown;
    }
    // These errors come from a commit, which follows the work.
    const isOfCommit = thrown instanceof CommitUnknown || thrown instanceof TransactionEnded;
    if (isOfCommit && returned !== undefined) return returned.value;
    throw await committedAllTheSame(sending, thrown);
  }
}

/**
 * The work, or code before it, threw, but the message's row exists: half of the work may be
 * committed too. The message is sent, and an error reports it.
 */
async function committedAllTheSame(sending: Sending, thrown: unknown): Promise<Error> {
  const status = await submit(sending);
  const { gid } = sending;
  const what = `Message ${gid} is sent although its local transaction ended with an error: it had been committed before, by a statement of the work (as every change of a schema does in MySQL) or by another run under this gid. See the cause, and check which effects of the work exist`;
  return new RequestRejected('refused', what, { gid, status, cause: thrown });
}

/**
 * The barrier rejected the work: the coordinator checked back before the commit, or the message was
 * sent before with this gid.
 */
async function refused<Tx>(
  sending: Sending,
  barrier: MessageBarrier<Tx>,
  refusal: LocalTransactionRefused,
): Promise<Error> {
  if ((await queryBarrier(sending, barrier, refusal)) === 'refused')
    return failed(sending, 'the coordinator checked back before the local transaction was committed', refusal);
  // The process that committed it may have crashed before its submit.
  const status = await submit(sending);
  const { gid } = sending;
  const what = `Message ${gid} was sent before: this call committed nothing. Choose another gid for another message.`;
  return new RequestRejected('refused', what, { gid, status, cause: refusal });
}

async function queryBarrier<Tx>(
  { api, gid }: Sending,
  barrier: MessageBarrier<Tx>,
  cause: unknown,
): Promise<'committed' | 'refused'> {
  try {
    return await barrier.checkBack(gid);
  } catch (error) {
    const reason = `whether its local transaction was committed is not known: ${textOfThrown(error)}`;
    throw new TransactionPending(gid, 'prepared', reason, reader(api, gid), {
      cause: new AggregateError([cause, error]),
    });
  }
}

/** Abandons the message after a local transaction that was certainly not committed. */
async function failed(sending: Sending, reason: string, cause: Error): Promise<TransactionFailed> {
  await abandon(sending, cause);
  const { api, gid } = sending;
  return new TransactionFailed(gid, 'failed', reason, reader(api, gid), { cause });
}

/**
 * Abandons the message, which saves the coordinator its check-back. If this does not arrive, the
 * check-back has the same result.
 */
async function abandon({ submission, gid, delivery }: Sending, thrown: unknown): Promise<void> {
  try {
    await submission.abandon(gid, thrown, delivery);
  } catch (error) {
    if (isUndelivered(error)) return;
    if (!(error instanceof RequestRejected)) throw error;
    const { status } = error;
    if (status !== 'submitted' && status !== 'succeed') return;
    const what = `Message ${gid} is sent although its local transaction was not committed: its check-back URL reported a commit`;
    throw new RequestRejected('refused', what, { gid, status, cause: thrown });
  }
}

/** Submits a committed message. Resolves to its status then. */
const submit = (sending: Sending): Promise<Status> =>
  submitted(sending, {}, () => sending.submission.submitPrepared(sending.gid, sending.delivery));

/**
 * Resolves to the status after the submit of a committed message, or after the wait for its end.
 */
async function submitted(
  { api, gid }: Sending,
  options: SubmitOptions,
  request: () => Promise<{ readonly status: Status }>,
): Promise<Status> {
  try {
    return (await request()).status;
  } catch (error) {
    if (error instanceof TransactionFailed || error instanceof RequestRejected) throw lost(gid, error);
    if (!isUndelivered(error)) throw error;
    if (!isWaited(options)) return 'prepared';
    throw new TransactionPending(gid, 'prepared', error.message, reader(api, gid), { cause: error });
  }
}

/**
 * An operator abandoned the message, or its check-back URL returned the wrong result: only an
 * operator can resolve that.
 */
function lost(gid: string, cause: TransactionFailed | RequestRejected): RequestRejected {
  const { status } = cause;
  const what = `Message ${gid} is not sent, or was stopped, although its local transaction was committed and stays: ${cause.message}`;
  return new RequestRejected('refused', what, { gid, status, cause });
}

const isUndelivered = (error: unknown): error is CoordinatorUnreachable | UnexpectedResponse =>
  error instanceof CoordinatorUnreachable || error instanceof UnexpectedResponse;
