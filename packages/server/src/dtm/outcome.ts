import type { PassOutcome } from '@holdfast/core';
import { type DtmResultAnswer, type Pattern, withoutSecrets } from '@holdfast/protocol';

/** A response in dtm's terms; `UNKNOWN` is any error that is neither FAILURE nor ONGOING. */
export type Outcome =
  | { readonly kind: 'SUCCESS' }
  | { readonly kind: 'FAILURE' | 'ONGOING'; readonly answer: DtmResultAnswer }
  | { readonly kind: 'UNKNOWN'; readonly message: string; readonly status: PassOutcome['status'] };

export const SUCCEEDED: Outcome = { kind: 'SUCCESS' };

const NOT_FINISHED = 'wait result not return success';

/**
 * The response to a submit after one pass (protocol page, "wait_result"). For dtm, a saga or
 * message that has not succeeded is a FAILURE; its `status` is added, since only `aborting` and
 * `failed` mean that it will not succeed.
 */
export function outcomeOf(pattern: Pattern, pass: Omit<PassOutcome, 'view'>): Outcome {
  if (!pass.waited || pass.status === 'succeed') return SUCCEEDED;
  const { status, lastResult, parked } = pass;
  const reason = parked === undefined ? pass.rollbackReason : `parked: ${parked}`;
  const unknown = lastResult?.kind === 'UNKNOWN' || (lastResult?.kind === 'FAILURE' && isTwoPhase(pattern));
  // A tcc whose confirm returns FAILURE is retried; a FAILURE response would make its client
  // believe that it was rolled back.
  if (unknown && pattern !== 'saga' && status === 'submitted')
    return { kind: 'UNKNOWN', message: lastResult.reason, status };
  if (isTwoPhase(pattern) && status === 'submitted')
    return unfinished('ONGOING', lastResult?.reason || 'still running', status);
  return unfinished('FAILURE', withoutSecrets(reason) || NOT_FINISHED, status);
}

const isTwoPhase = (pattern: Pattern): boolean => pattern === 'tcc' || pattern === 'xa';

const unfinished = (kind: 'FAILURE' | 'ONGOING', message: string, status: PassOutcome['status']): Outcome => ({
  kind,
  answer: { dtm_result: kind, message, status },
});
