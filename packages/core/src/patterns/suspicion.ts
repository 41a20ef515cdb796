import type { Pattern, Status } from '@holdfast/protocol';
import type { State, Transaction } from './model.ts';
import { withState } from './copies.ts';

/**
 * From this number of claims without progress on, a transaction is suspected of crashing the nodes
 * that drove it. After an ordinary crash every transaction that was in progress is claimed for the
 * second time, so two claims mean nothing.
 */
export const SUSPECT_CLAIMS = 3;

/** The state of a transaction after this number of claims in a row without progress. */
export const suspected = (state: State, claims: number): State =>
  claims < SUSPECT_CLAIMS ? state : { ...state, suspicion: claims - 1 };

/**
 * The transaction after a result: its node survived the call, so the suspicion is cleared. A result
 * that changed nothing came too late to count.
 */
export const afterResult = (before: State, after: Transaction): Transaction =>
  after.state === before ? after : cleared(after);

/** The transaction without suspicion. */
export function cleared(transaction: Transaction): Transaction {
  const { state } = transaction;
  return state.suspicion === 0 ? transaction : withState(transaction, { ...state, suspicion: 0 });
}

/** A tcc or xa that waits for its client calls no branch, so driving it cannot crash a node. */
export const callsNoBranch = (pattern: Pattern, status: Status): boolean =>
  status === 'prepared' && (pattern === 'tcc' || pattern === 'xa');
