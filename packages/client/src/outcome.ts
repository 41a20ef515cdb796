import {
  isFinal,
  readableReason,
  type TransactionDetails,
  type TransactionReply,
  type TransactionSummary,
} from '@holdfast/protocol';
import type { Api } from './api/api.ts';
import { pause } from './api/back-off.ts';
import type { CallEnd } from './api/call-end.ts';
import {
  DeadlineExceeded,
  type ReadDetails,
  TransactionFailed,
  TransactionPending,
  TransactionStopped,
} from './errors.ts';

/** With less remaining time than this, the client's time for retries suffices. */
const LONG_WAIT_MS = 5_000;

/**
 * Pause before the next request if the coordinator did not hold the response back for the requested
 * time (it is stopping, or has too many waiters).
 */
const EARLY_RESPONSE_PAUSE_MS = 100;

/** A moment on the monotonic clock until which to wait. */
export const deadlineIn = (timeoutMs: number): number => performance.now() + timeoutMs;

/**
 * Waits until the transaction is final or the deadline has come, and resolves to its state then.
 *
 * @param seen its last known state, which is returned if the time of the call ends before a
 *   response
 */
export async function waitUntilFinal<S = TransactionDetails>(
  api: Api,
  gid: string,
  deadlineMs: number,
  end: CallEnd,
  seen?: S,
): Promise<TransactionDetails | S> {
  let last: TransactionDetails | S | undefined = seen;
  for (;;) {
    const sentAtMs = performance.now();
    const read = await stateOrLate(api, gid, deadlineMs, end);
    if (read instanceof DeadlineExceeded) {
      if (last === undefined) throw read;
      return last;
    }
    if (isFinal(read.status) || performance.now() >= deadlineMs) return read;
    last = read;
    if (performance.now() - sentAtMs < EARLY_RESPONSE_PAUSE_MS) await pause(EARLY_RESPONSE_PAUSE_MS, end.signal);
  }
}

async function stateOrLate(
  api: Api,
  gid: string,
  deadlineMs: number,
  end: CallEnd,
): Promise<TransactionDetails | DeadlineExceeded> {
  try {
    // A restart of the coordinator does not end the wait before the caller's deadline.
    const response = await api.getTransaction({ gid }, { waitUntilMs: deadlineMs, ...end, ...retryUntil(deadlineMs) });
    if (response.ok) return response.value;
    throw response.rejection;
  } catch (error) {
    if (error instanceof DeadlineExceeded && end.endsMs !== undefined) return error;
    throw error;
  }
}

/** The client's time for retries, or the remaining waiting time if that is longer. */
function retryUntil(deadlineMs: number): { readonly retryForMs?: number } {
  const leftMs = deadlineMs - performance.now();
  return leftMs > LONG_WAIT_MS ? { retryForMs: leftMs } : {};
}

/** The function by which an error reads its transaction. */
export const reader =
  (api: Api, gid: string): ReadDetails =>
  async () => {
    const response = await api.getTransaction({ gid }, {});
    if (!response.ok) throw response.rejection;
    return response.value;
  };

/** The forms in which the coordinator returns a transaction. */
type Seen = TransactionSummary | TransactionReply | TransactionDetails;

/**
 * Returns a transaction that succeeded or, unless `waited`, is in progress; otherwise throws the
 * typed error.
 */
export function seenOrThrow<T extends Seen>(api: Api, seen: T, waited: boolean): T {
  const details = reader(api, seen.gid);
  switch (seen.status) {
    case 'succeed':
      return seen;
    case 'aborting':
    case 'failed':
      if (seen.stopped !== '') throw new TransactionStopped(seen.gid, seen.stopped, details);
      throw new TransactionFailed(seen.gid, seen.status, readableReason(seen.rollbackReason), details);
    case 'prepared':
    case 'submitted':
      if (!waited) return seen;
      throw new TransactionPending(seen.gid, seen.status, lastReason(seen), details);
  }
}

/**
 * Why the transaction is not finished yet: the reason it is parked, or the last unsuccessful
 * response.
 */
function lastReason(seen: Seen): string {
  if (seen.parked !== '') return seen.parked;
  if ('lastResult' in seen) return seen.lastResult === null ? '' : readableReason(seen.lastResult.reason);
  const last = 'timeline' in seen ? seen.timeline.findLast((entry) => entry.kind === 'call') : undefined;
  return last === undefined || last.result === 'SUCCESS' ? '' : readableReason(last.reason);
}
