import {
  isFinal,
  readableReason,
  type TransactionDetails,
  type TransactionReply,
  type TransactionSummary,
} from '@holdfast/protocol';
import type { Api } from './api/api.ts';
import { pause } from './api/back-off.ts';
import { type ReadDetails, TransactionFailed, TransactionPending, TransactionStopped } from './errors.ts';

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
 */
export async function waitUntilFinal(
  api: Api,
  gid: string,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<TransactionDetails> {
  for (;;) {
    const sentAtMs = performance.now();
    // A restart of the coordinator does not end the wait before the caller's deadline.
    const response = await api.getTransaction({ gid }, { waitUntilMs: deadlineMs, signal, ...retryUntil(deadlineMs) });
    if (!response.ok) throw response.rejection;
    if (isFinal(response.value.status) || performance.now() >= deadlineMs) return response.value;
    if (performance.now() - sentAtMs < EARLY_RESPONSE_PAUSE_MS) await pause(EARLY_RESPONSE_PAUSE_MS, signal);
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
