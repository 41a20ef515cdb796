import type { Pattern, Status } from '@holdfast/protocol';
import type { State, Transaction } from '../model.ts';
import { withState } from './copies.ts';

/**
 * From this number of claims without progress on, a transaction is a suspect: it may be what ended the nodes that drove
 * it. After an ordinary crash every transaction that was in progress is claimed for the second time, so two say
 * nothing.
 */
export const SUSPECT_CLAIMS = 3;

/** The state of a transaction that was claimed for that many times in a row without progress. */
export const suspected = (state: State, claims: number): State =>
  claims < SUSPECT_CLAIMS ? state : { ...state, suspicion: claims - 1 };

/** The transaction after a result: its node lives on with it. A result that comes too late to count changes nothing. */
export const afterResult = (before: State, after: Transaction): Transaction =>
  after.state === before ? after : cleared(after);

/** The transaction without suspicion. */
export function cleared(transaction: Transaction): Transaction {
  const { state } = transaction;
  return state.suspicion === 0 ? transaction : withState(transaction, { ...state, suspicion: 0 });
}

/** A tcc or xa that waits for its client calls no branch, so that no node ends of driving it. */
export const callsNoBranch = (pattern: Pattern, status: Status): boolean =>
  status === 'prepared' && (pattern === 'tcc' || pattern === 'xa');
