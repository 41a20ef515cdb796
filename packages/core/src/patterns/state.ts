import type { TransactionKey } from '@holdfast/protocol';
import type { BranchState, Definition, RegisteredBranch, State, Transaction } from './model.ts';
import { branchesOf } from './branches.ts';
import { copyState } from './copies.ts';

/** An op that was never called. */
export const NOT_STARTED: BranchState = {
  status: 'prepared',
  started: false,
  attempts: 0,
  failures: 0,
  nextAttemptAtMs: 0,
  finishedAtMs: 0,
};

const NEW_STATE: State = {
  status: 'prepared',
  branches: [],
  rollbackReason: '',
  result: '',
  unbroken: true,
  suspicion: 0,
  compensate: [],
  retries: 0,
  limitedRetries: 0,
  notBeforeMs: 0,
  nextCheckAtMs: 0,
  checkFailures: 0,
  heartbeatAtMs: 0,
  attention: false,
  alertDue: false,
  parked: '',
  stopped: '',
  damaged: '',
  submittedAtMs: 0,
  rollbackAtMs: 0,
  finishedAtMs: 0,
  timeline: [],
  timelineOmitted: 0,
};

/**
 * Why a record is parked whose import is not complete. Until then another coordinator may drive the
 * transaction: no command but `stop` is accepted.
 */
export const IMPORT_UNFINISHED = 'its import has not finished: repeat the import';

/** A transaction that is not stored yet. `heartbeatAtMs`: 0 unless its client sends heartbeats. */
export function newTransaction(
  key: TransactionKey,
  definition: Definition,
  createdAtMs: number,
  heartbeatAtMs = 0,
): Transaction {
  const state = heartbeatAtMs === 0 ? NEW_STATE : { ...NEW_STATE, heartbeatAtMs };
  return assemble(key, definition, createdAtMs, [], state);
}

/**
 * Assembles a transaction from its parts; a branch registered after the state was written is added
 * as not started.
 */
export function assemble(
  key: TransactionKey,
  definition: Definition,
  createdAtMs: number,
  registered: readonly RegisteredBranch[],
  state: State,
): Transaction {
  const branches = branchesOf(definition, registered);
  return {
    key,
    createdAtMs,
    definition,
    options: definition.options,
    registered,
    branches,
    state: withBranches(state, branches.length, registered),
    running: [],
    checking: false,
    lastResult: undefined,
  };
}

/** The transaction with newly registered branches. */
export function withRegistered(transaction: Transaction, registered: readonly RegisteredBranch[]): Transaction {
  if (registered.length === transaction.registered.length) return transaction;
  const branches = branchesOf(transaction.definition, registered);
  return { ...transaction, registered, branches, state: withBranches(transaction.state, branches.length, registered) };
}

function withBranches(state: State, count: number, registered: readonly RegisteredBranch[]): State {
  if (state.branches.length === count) return state;
  const branches = state.branches.slice();
  for (let i = branches.length; i < count; i++) branches.push(recorded(registered[i]));
  const next = copyState(state);
  next.branches = branches;
  return next;
}

/**
 * A workflow registers a step with its outcome; other patterns register ops that will be called
 * later.
 */
function recorded(branch: RegisteredBranch | undefined): BranchState {
  if (branch === undefined || branch.status === 'prepared') return NOT_STARTED;
  return { ...NOT_STARTED, status: branch.status, started: true, attempts: 1, finishedAtMs: branch.createdAtMs };
}

/** State of one op. Throws `RangeError` for an index outside the transaction, which is a bug. */
export function branchState(state: State, index: number): BranchState {
  const branch = state.branches[index];
  if (branch === undefined) throw new RangeError(`no branch with index ${index}`);
  return branch;
}

/** Why a transaction failed, for clients that only have rollback reasons. */
export function failureReason({ rollbackReason, stopped }: Pick<State, 'rollbackReason' | 'stopped'>): string {
  if (stopped === '') return rollbackReason;
  return rollbackReason === ''
    ? `force-stopped by an operator, nothing was rolled back: ${stopped}`
    : `force-stopped by an operator, the rollback was not completed: ${stopped}; it began because: ${rollbackReason}`;
}
