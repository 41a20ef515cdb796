import type { StoredTransaction } from '@holdfast/core/store';
import type { Case } from '../parts/case.ts';
import { storeTimeAt } from '../parts/store-time.ts';

/** Engine time may be ahead of the store's: clocks drift between two heartbeats. */
const DRIFT_MS = 3_000;

/** Why a change of status is unfounded; undefined if it has a reason. */
export function reasonIsMissing(one: Case, before: StoredTransaction, after: StoredTransaction): string | undefined {
  if (after.status === 'failed' && one.requested.has('stop')) return undefined;
  // A node that waits for its first write counts from the request, others count from the record.
  const requestedMs = storeTimeAt(one.firstRequestedMs);
  const late = (timeoutMs: number): boolean => timeoutMs > 0 && after.updatedAtMs + DRIFT_MS >= requestedMs + timeoutMs;
  const { plan, requested } = one;
  switch (after.status) {
    case 'submitted':
      if (requested.has('submit') || (plan.pattern === 'msg' && one.checkedSuccess)) return undefined;
      return 'submitted, but no client did that';
    case 'aborting':
      return rollbackUnfounded(one, late);
    case 'failed':
      // With nothing to undo, a transaction fails in the same step in which it is aborted.
      if (before.status !== 'aborting') return rollbackUnfounded(one, late);
      return plan.pattern !== 'workflow' || requested.has('finish-failed')
        ? undefined
        : 'failed, but its client did not report a failure';
    case 'succeed':
      if (before.status === 'submitted') return undefined;
      return plan.pattern === 'workflow' && requested.has('finish-succeed')
        ? undefined
        : `succeeded from ${before.status}`;
    case 'prepared':
      return 'prepared again';
  }
}

function rollbackUnfounded(one: Case, late: (timeoutMs: number) => boolean): string | undefined {
  const { plan, requested } = one;
  if (requested.has('abort') || requested.has('abort-order')) return undefined;
  switch (plan.pattern) {
    case 'saga':
      return sagaMayAbort(one, late(plan.timeoutToFailMs));
    case 'tcc':
    case 'xa':
      return late(plan.timeoutToFailMs || one.defaultTimeoutMs)
        ? undefined
        : 'aborted before its timeout, and no client aborted it';
    case 'msg':
      return one.checkedFailure ? undefined : 'failed, but no check-back returned a rollback';
    case 'workflow':
      return requested.has('finish-failed') ? undefined : 'rolled back, but its client did not report a failure';
  }
}

/** A saga aborts if an action was rejected, its timeout has expired, or its retries are used up. */
function sagaMayAbort(one: Case, late: boolean): string | undefined {
  if (one.plan.pattern !== 'saga') return undefined;
  const { retryLimit } = one.plan;
  if (one.failuresHeard > 0 || late) return undefined;
  if (retryLimit > 0 && one.uncertainHeard > retryLimit) return undefined;
  return `aborted after ${one.uncertainHeard} uncertain results, but no action returned FAILURE`;
}
