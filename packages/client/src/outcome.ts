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

/** With less time left than this, the client's own time for retries is enough. */
const LONG_WAIT_MS = 5_000;

/** Pause before asking again when the coordinator did not hold the answer back as long as asked (it is stopping, or has too many waiters). */
const EARLY_ANSWER_PAUSE_MS = 100;

/** A moment on the monotonic clock until which to wait. */
export const deadlineIn = (timeoutMs: number): number => performance.now() + timeoutMs;

/** Waits until the transaction is final or the deadline has come, and answers what it is then. */
export async function waitUntilFinal(
  api: Api,
  gid: string,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<TransactionDetails> {
  for (;;) {
    const askedAtMs = performance.now();
    // A coordinator that restarts meanwhile is no reason to give up earlier than the caller would.
    const answer = await api.get(gid, { waitUntilMs: deadlineMs, signal, ...retryUntil(deadlineMs) });
    if (!answer.ok) throw answer.rejection;
    if (isFinal(answer.value.status) || performance.now() >= deadlineMs) return answer.value;
    if (performance.now() - askedAtMs < EARLY_ANSWER_PAUSE_MS) await pause(EARLY_ANSWER_PAUSE_MS, signal);
  }
}

/** The client's own time for retries, or the time left to wait when that is longer. */
function retryUntil(deadlineMs: number): { readonly retryForMs?: number } {
  const leftMs = deadlineMs - performance.now();
  return leftMs > LONG_WAIT_MS ? { retryForMs: leftMs } : {};
}

/** What an error carries to look at its transaction. */
export const reader =
  (api: Api, gid: string): ReadDetails =>
  async () => {
    const answer = await api.get(gid, {});
    if (!answer.ok) throw answer.rejection;
    return answer.value;
  };

/** What an answer of the coordinator tells about a transaction. */
type Seen = TransactionSummary | TransactionReply | TransactionDetails;

/**
 * What a caller is told about a transaction: it is answered when it succeeded, or, unless `waited`, when it is on its way; otherwise the typed
 * error is thrown.
 */
export function answerOrThrow<T extends Seen>(api: Api, seen: T, waited: boolean): T {
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

/** Why it is not finished yet: what it is parked for, or what the last call answered if that was no success. */
function lastReason(seen: Seen): string {
  if (seen.parked !== '') return seen.parked;
  if ('lastResult' in seen) return seen.lastResult === null ? '' : readableReason(seen.lastResult.reason);
  const last = 'timeline' in seen ? seen.timeline.findLast((entry) => entry.kind === 'call') : undefined;
  return last === undefined || last.result === 'SUCCESS' ? '' : readableReason(last.reason);
}
