import type { State, Transaction } from './model.ts';

/**
 * Copies that the caller modifies before it passes them on. Explicit fields for the hot path: a
 * spread followed by changes costs V8 several times as much once a field has held small numbers in
 * one object and times in another.
 */
export type Draft<T> = { -readonly [Field in keyof T]: T[Field] };

export function copyState(state: State): Draft<State> {
  return {
    status: state.status,
    rollbackReason: state.rollbackReason,
    result: state.result,
    branches: state.branches,
    unbroken: state.unbroken,
    suspicion: state.suspicion,
    compensate: state.compensate,
    retries: state.retries,
    limitedRetries: state.limitedRetries,
    notBeforeMs: state.notBeforeMs,
    nextCheckAtMs: state.nextCheckAtMs,
    checkFailures: state.checkFailures,
    heartbeatAtMs: state.heartbeatAtMs,
    attention: state.attention,
    alertDue: state.alertDue,
    parked: state.parked,
    stopped: state.stopped,
    damaged: state.damaged,
    submittedAtMs: state.submittedAtMs,
    rollbackAtMs: state.rollbackAtMs,
    finishedAtMs: state.finishedAtMs,
    timeline: state.timeline,
    timelineOmitted: state.timelineOmitted,
  };
}

export function copyTransaction(transaction: Transaction): Draft<Transaction> {
  return {
    key: transaction.key,
    createdAtMs: transaction.createdAtMs,
    definition: transaction.definition,
    options: transaction.options,
    registered: transaction.registered,
    branches: transaction.branches,
    state: transaction.state,
    running: transaction.running,
    checking: transaction.checking,
    lastResult: transaction.lastResult,
  };
}

/** The transaction with another state. */
export function withState(transaction: Transaction, state: State): Transaction {
  const next = copyTransaction(transaction);
  next.state = state;
  return next;
}
