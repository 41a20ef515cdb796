import { isFinal, logTextOfThrown } from '@holdfast/protocol';
import { decodeDefinition, emptyDefinition } from '../codec/definition-codec.ts';
import { decodeRegistrations } from '../codec/entry-codec.ts';
import { UnreadableRecord } from '../codec/frame.ts';
import { decodeState } from '../codec/state-codec.ts';
import type { BranchView, TransactionView } from '../coordinator.ts';
import type { Branch, RegisteredBranch, State, Transaction } from '../patterns/model.ts';
import { assemble, branchState, newTransaction } from '../patterns/state.ts';
import type { StoredTransaction } from '../store/store.ts';
import { readableState } from './stopped-record.ts';

/** Decodes a record for the patterns. Throws `UnreadableRecord`. */
export function transactionOf(record: StoredTransaction): Transaction {
  if (record.unreadable !== undefined) throw new UnreadableRecord(record.unreadable, record.damaged !== true);
  const state = decodeState(record.state);
  if (state.damaged !== '') return withoutBranches(record, state);
  const definition = decodeDefinition(record.definition);
  const registered = decodeRegistrations(record.entries);
  try {
    return assemble(record.key, definition, definition.startedAtMs ?? record.createdAtMs, registered, state);
  } catch (error) {
    throw new UnreadableRecord(`its parts do not fit together: ${logTextOfThrown(error)}`);
  }
}

/**
 * A record that was force-stopped because it could not be read: the effects of its branches are
 * unknown.
 */
export const withoutBranches = ({ key, pattern, createdAtMs }: StoredTransaction, state: State): Transaction =>
  assemble(key, emptyDefinition(pattern), createdAtMs, [], { ...state, branches: [] });

/**
 * A record as callers see it. For a record that cannot be read: the values of its columns, and the
 * reason.
 *
 * @param summary the record came without its definition and entries; the view then has neither
 * steps nor branches
 */
export function viewOf(record: StoredTransaction, summary = false): TransactionView {
  const { definition, state, branches, registered } = readable(record, summary);
  const { key, pattern, status, version, owner, dueAtMs, attention, createdAtMs, updatedAtMs, finishedAtMs } = record;
  let views: readonly BranchView[] | undefined;
  return {
    namespace: key.namespace,
    gid: key.gid,
    pattern,
    status,
    version,
    owner,
    dueAtMs,
    attention,
    createdAtMs,
    updatedAtMs,
    finishedAtMs,
    definition,
    state,
    // Computed on access: most callers need the status, not the branches.
    get branches() {
      return (views ??= branchViews(branches, state, registered, createdAtMs));
    },
  };
}

/** Without spread, for speed: a transaction may have two thousand branches. */
const branchViews = (
  branches: readonly Branch[],
  state: State,
  registered: readonly RegisteredBranch[],
  createdAtMs: number,
): readonly BranchView[] =>
  branches.map((branch, i) => {
    const now = branchState(state, i);
    return {
      branchId: branch.branchId,
      op: branch.op,
      url: branch.url,
      payload: branch.payload,
      requestTimeoutMs: branch.requestTimeoutMs,
      status: now.status,
      started: now.started,
      attempts: now.attempts,
      failures: now.failures,
      nextAttemptAtMs: now.nextAttemptAtMs,
      finishedAtMs: now.finishedAtMs,
      createdAtMs: registered[i]?.createdAtMs ?? createdAtMs,
    };
  });

function readable(record: StoredTransaction, summary: boolean): Transaction {
  try {
    return summary && record.unreadable === undefined ? summaryTransaction(record) : transactionOf(record);
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    const { key, pattern, status, createdAtMs } = record;
    const empty = newTransaction(key, emptyDefinition(pattern), createdAtMs);
    const why = `its record cannot be read: ${error.message}`;
    if (!isFinal(status)) return { ...empty, state: { ...empty.state, status, parked: why } };
    // A finished record needs nothing, so it is not parked. The state of a force-stopped record can
    // be read.
    const state = readableState(record.state) ?? empty.state;
    return { ...empty, state: { ...state, status, parked: '', damaged: state.damaged === '' ? why : state.damaged } };
  }
}

const summaryTransaction = (record: StoredTransaction): Transaction =>
  withoutBranches(record, decodeState(record.state));

/**
 * A view of a transaction in this node's memory. The values that only its record has (version,
 * owner, due time) are set to their minimum.
 */
export function viewOfTransaction({
  key,
  createdAtMs,
  definition,
  state,
  branches,
  registered,
}: Transaction): TransactionView {
  let views: readonly BranchView[] | undefined;
  return {
    namespace: key.namespace,
    gid: key.gid,
    pattern: definition.pattern,
    status: state.status,
    version: 1,
    owner: null,
    dueAtMs: null,
    attention: state.attention,
    createdAtMs,
    updatedAtMs: Math.max(createdAtMs, state.submittedAtMs, state.rollbackAtMs, state.finishedAtMs),
    finishedAtMs: state.finishedAtMs === 0 ? null : state.finishedAtMs,
    definition,
    state,
    get branches() {
      return (views ??= branchViews(branches, state, registered, createdAtMs));
    },
  };
}
