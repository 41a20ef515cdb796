import { type BranchResult, CHECK_BRANCH_ID } from '@holdfast/protocol';
import type { State, Transaction } from './model.ts';
import { withRetries } from './calls.ts';
import { type Plan, waitUntil } from './rules.ts';
import type { Moment } from './step.ts';
import { withCallLine, withLine } from './timeline.ts';

/**
 * Queries the client when it is time, one query at a time. Without a URL the transaction is parked
 * for an operator.
 */
export function checkWhenDue(transaction: Transaction, dueAtMs: number, moment: Moment): Plan {
  if (transaction.checking) return waitUntil(transaction, null);
  if (moment.nowMs < dueAtMs) return waitUntil(transaction, dueAtMs);
  if (transaction.definition.queryPrepared === '') {
    const missing =
      transaction.definition.pattern === 'workflow'
        ? 'the workflow has no callback URL'
        : 'the message has no check-back URL';
    return waitUntil({ ...transaction, state: parked(transaction.state, missing, moment) }, null);
  }
  return { transaction: { ...transaction, checking: true }, calls: [], check: true, wakeAtMs: null };
}

/** Number of queries that the timeline of this state has; the last one is always kept. */
export function checksIn({ timeline }: State): number {
  const last = timeline.findLast((line) => line.kind === 'call' && line.branchId === CHECK_BRANCH_ID);
  return last?.kind === 'call' ? last.attempt : 0;
}

/** The state of a transaction that is not driven until an operator retries it. */
export function parked(state: State, reason: string, moment: Moment): State {
  return withLine(
    { ...state, parked: reason, attention: true, suspicion: 0 },
    { kind: 'parked', atMs: moment.nowMs, detail: reason },
  );
}

/**
 * The transaction after the client's response to a query; the pattern decides what the result
 * means.
 */
export function recordCheck(
  transaction: Transaction,
  event: { readonly result: BranchResult; readonly durationMs: number },
  op: string,
  nextCheckAtMs: number,
  moment: Moment,
): Transaction {
  const { result } = event;
  const { state } = transaction;
  const checkFailures = result.kind === 'UNKNOWN' ? state.checkFailures + 1 : 0;
  const after = withCallLine(
    { ...state, checkFailures, nextCheckAtMs },
    {
      kind: 'call',
      atMs: moment.nowMs,
      durationMs: event.durationMs,
      branchId: CHECK_BRANCH_ID,
      op,
      result: result.kind,
      reason: result.reason,
      attempt: checksIn(state) + 1,
      retryAtMs: nextCheckAtMs,
    },
  );
  return {
    ...transaction,
    checking: false,
    state: result.kind === 'FAILURE' ? after : withRetries(after, result, moment, ''),
    lastResult: result.kind === 'SUCCESS' ? transaction.lastResult : result,
  };
}
