import { countRetryCommands, decodeAbortCommand, decodeRegistrations, lastRetryBy } from '../codec/entry-codec.ts';
import { UnreadableRecord } from '../codec/frame.ts';
import type { Transaction } from '../patterns/model.ts';
import { withRegistered } from '../patterns/state.ts';
import type { AbortCommand, TransactionEvent } from '../patterns/step.ts';
import type { SessionId, StoredTransaction } from '../store/store.ts';
import type { WriteResult } from './committer.ts';
import { transactionOf } from './records.ts';
import type { Delivery } from './delivery.ts';
import type { Memory, Ownership } from './memory.ts';
import type { RunState } from './run-state.ts';

/**
 * Decides what a node does when its memory of a transaction and the stored record may differ: after
 * a write, a read, a claim. Pure: no clock, promise or I/O; `Writer`, `Reloader` and `Adoption`
 * carry the decision out.
 *
 * R1  The newer of the record that was read and the record that a claim returned counts. If there
 *     is no record, the run is dropped.
 * R2  A run that owns its record merges a record with the same owner and write ID: only entries
 *     were appended. Progress in memory stays; operator commands among the entries become events,
 *     once each.
 * R3  If the record has another owner or write ID than the run that owned it expects, another node
 *     has decided and the record wins. Events that no caller waits for are discarded; events of
 *     callers restart from the record.
 * R4  A run that does not own its record takes its state from the record. A record that a claim
 *     returned is owned and resumed. Operator commands that were not carried out become events.
 * R5  A record owned by this session that no run drove, or an unowned record with claims, was
 *     abandoned: what was started is unknown, so it is resumed as if it had been claimed once more
 *     (`unbroken` becomes false). It is owned only after a write, which fences every other node
 *     that has it in memory.
 * R6  While a claim is in flight, a record found owned by this session is attributed to that claim:
 *     its claims count as they are. It too is owned only after a write.
 * R7  An unreadable record is parked unchanged. An owned record whose bodies the store cannot
 *     return stays owned and is read again until the store returns them: no write can be made from
 *     it, and nothing is known to be wrong with the transaction.
 * R8  After a lost write the event is stepped again on the current record. After `MAX_CONFLICTS` in
 *     a row the caller gets an error and rounds are paced; a run that owns its record is never
 *     dropped because of it.
 * R9  A state that the store cannot hold is never kept: if a caller's command made it, the command
 *     is rejected and the run continues as before; otherwise the run is parked. After a write whose
 *     outcome stays unknown, a record that this session owned before is released, parked, by a
 *     write that fences the one in doubt. A write that may take ownership of a record is remembered
 *     as a doubt (see `Doubts`), since it may arrive after any read.
 * R10 A read decides nothing that only the latest version can decide. A run that owns its record
 *     reads again if the record is older than its memory, and treats a missing record as one that
 *     the read does not show yet, until a write finds it missing. A submit is rejected if a write
 *     of this run has met the decision to abort, whatever the record that was read states.
 */

/** This node's view of itself. */
export interface Self {
  readonly session: SessionId;
  readonly leaseHeld: boolean;
  /** A claim is in flight. */
  readonly claiming: boolean;
}

/** The new state of a run whose record was read while the run did not own it. */
export interface Opened {
  readonly transaction: Transaction;
  readonly version: number;
  readonly writeId: string;
  readonly group: string;
  readonly ownership: Ownership;
  readonly retryCommands: number;
  readonly suspect: boolean;
  readonly queue: Delivery[];
}

export type Decision =
  /** There is no record. */
  | { readonly kind: 'gone' }
  /** The read was stale: read again after a pause. */
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'merge';
      readonly transaction: Transaction;
      readonly version: number;
      readonly retryCommands: number;
      readonly queue: Delivery[];
    }
  /**
   * Drop the run. `reopen`: this session owns the record again; decide about it with an empty
   * memory.
   */
  | {
      readonly kind: 'drop run';
      readonly record: StoredTransaction;
      readonly reopen: boolean;
      /** Whether the claim returned the record. */
      readonly claimed: boolean;
      /** Callers' events, to be delivered again. */
      readonly queue: Delivery[];
    }
  | { readonly kind: 'open'; readonly opened: Opened }
  /** This session owns the record and cannot read it now; read again after a long pause. */
  | { readonly kind: 'without bodies'; readonly record: StoredTransaction; readonly error: UnreadableRecord }
  /** `owned`: the record must be released. */
  | {
      readonly kind: 'unreadable';
      readonly record: StoredTransaction;
      readonly owned: boolean;
      readonly error: UnreadableRecord;
    };

/**
 * Decides what to do about a record that was read from the store (undefined: there is no record).
 */
export function reconcile(memory: Memory, read: StoredTransaction | undefined, self: Self): Decision {
  const record = newest(memory.claimed, read);
  if (record === undefined) return missing(memory);
  if (record.damaged === true) return damaged(record, self);
  if (memory.ownership === 'ours' && record.version < memory.version) return { kind: 'stale' };
  const mine = record.owner === self.session;
  // A record without its entries must not be merged: a branch that another node registered would be
  // forgotten.
  if (mine && record.withoutBodies === true) return unread(record);
  // An append may have followed the claim, which keeps the write ID; an update has another write
  // ID.
  const claimed = mine && memory.claimed !== undefined && memory.claimed.writeId === record.writeId;
  try {
    if (memory.ownership === 'ours') {
      if (mine && record.writeId === memory.writeId) return merged(memory, memory.transaction, record);
      const queue = awaited(memory.queue);
      return { kind: 'drop run', record, reopen: mine && self.leaseHeld, claimed, queue };
    }
    return { kind: 'open', opened: opened(memory, record, ownershipOf(record, claimed, self), self.claiming) };
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    return { kind: 'unreadable', record, owned: mine, error };
  }
}

const unread = (record: StoredTransaction): Decision => ({
  kind: 'without bodies',
  record,
  error: new UnreadableRecord(record.unreadable ?? '', true),
});

const damaged = (record: StoredTransaction, { session }: Self): Decision => ({
  kind: 'unreadable',
  record,
  owned: record.owner === session,
  error: new UnreadableRecord(record.unreadable ?? ''),
});

function newest(
  claimed: StoredTransaction | undefined,
  read: StoredTransaction | undefined,
): StoredTransaction | undefined {
  if (claimed === undefined || read === undefined) return claimed ?? read;
  if (read.damaged === true || claimed.withoutBodies === true) return read;
  return claimed.version >= read.version ? claimed : read;
}

/**
 * The record is missing. A record that a session owns is never deleted, so a run that owns it keeps
 * its memory.
 */
function missing({ ownership, transaction, version, retryCommands, queue }: Memory): Decision {
  if (ownership !== 'ours' || transaction === undefined) return { kind: 'gone' };
  return { kind: 'merge', transaction, version, retryCommands, queue: [...queue] };
}

function merged(memory: Memory, transaction: Transaction | undefined, record: StoredTransaction): Decision {
  if (transaction === undefined) throw new Error('an owned run has a transaction');
  const { version, entries } = record;
  const events: Delivery[] = [];
  const abort = decodeAbortCommand(entries);
  if (abort !== undefined && transaction.state.status === 'submitted') events.push({ event: commanded(abort) });
  const retryCommands = countRetryCommands(entries);
  if (retryCommands > memory.retryCommands) {
    const by = lastRetryBy(entries);
    events.push({ event: { kind: 'retry', ...(by !== undefined && { by }) } });
  }
  // After the `resumed` event, if that one is to be stepped again: it states what is no longer
  // known.
  const place = memory.queue[0]?.event.kind === 'resumed' ? 1 : 0;
  return {
    kind: 'merge',
    transaction: withRegistered(transaction, decodeRegistrations(entries)),
    version,
    retryCommands,
    queue: memory.queue.toSpliced(place, 0, ...events),
  };
}

function ownershipOf({ owner }: StoredTransaction, claimed: boolean, self: Self): Ownership {
  if (owner === null) return 'none';
  if (owner !== self.session) return 'theirs';
  return claimed && self.leaseHeld ? 'ours' : 'orphaned';
}

function opened(memory: Memory, record: StoredTransaction, ownership: Ownership, claiming: boolean): Opened {
  const { version, writeId, group, claims, entries, status } = record;
  const transaction = transactionOf(record);
  const queue = awaited(memory.queue);
  const abort = status === 'submitted' ? decodeAbortCommand(entries) : undefined;
  const counted = claimsOf(ownership, claims, claiming);
  const { suspicion } = transaction.state;
  if (counted > 0) queue.unshift({ event: resumed(counted + suspicion, abort) });
  else if (abort !== undefined && ownership === 'none') queue.unshift({ event: commanded(abort) });
  return {
    transaction,
    version,
    writeId,
    group,
    ownership,
    // Retry commands stored so far are covered by the next claim, which starts everything due, or
    // everything if nothing is due.
    retryCommands: countRetryCommands(entries),
    suspect: claims + suspicion > 1,
    queue,
  };
}

/**
 * The claims with which a record is resumed; 0 if nothing is to be resumed. An orderly release
 * leaves no claims.
 */
function claimsOf(ownership: Ownership, claims: number, claiming: boolean): number {
  switch (ownership) {
    case 'ours':
      return claims;
    case 'orphaned':
      return claiming ? claims : Math.max(claims, 1) + 1;
    case 'none':
      return claims > 0 ? claims + 1 : 0;
    case 'theirs':
      return 0;
  }
}

const awaited = (queue: readonly Delivery[]): Delivery[] => queue.filter(({ reply }) => reply !== undefined);

const resumed = (claims: number, abort: AbortCommand | undefined): TransactionEvent =>
  abort === undefined ? { kind: 'resumed', claims } : { kind: 'resumed', claims, abort };

/** The abort that another node stored. */
const commanded = (abort: AbortCommand): TransactionEvent => ({ kind: 'abort', byOperator: true, ...abort });

/** Decides what to do with a record that a claim returned. */
export type ClaimDecision =
  /** No run has the record: open one. */
  | 'open'
  /** The run has a newer version than the claim. */
  | 'ignore'
  /** The run reconciles with the record now. */
  | 'reconcile'
  /** The run's read or write in flight will reconcile with it. */
  | 'remember';

/** Decides about a record that a claim returned; `memory` is that of the run that has it. */
export function onClaim(
  memory: (Memory & { readonly phase: RunState['kind'] }) | undefined,
  record: StoredTransaction,
): ClaimDecision {
  if (memory === undefined) return 'open';
  if (memory.ownership === 'ours' && memory.version >= record.version) return 'ignore';
  return memory.phase === 'open' ? 'reconcile' : 'remember';
}

/** After this number of consecutive conflicts a run is paced, and its caller gets an error. */
export const MAX_CONFLICTS = 50;

export type AfterWrite =
  | { readonly kind: 'applied'; readonly version: number }
  /**
   * Read the record and step the event again. `refused`: except this event, whose caller gets an
   * error.
   */
  | { readonly kind: 'again'; readonly paced: boolean; readonly refused: boolean }
  /** The caller gets an error; the run continues as it was before the event. */
  | { readonly kind: 'undo'; readonly why: string }
  /** Release the record, parked. */
  | { readonly kind: 'park'; readonly why: string }
  | { readonly kind: 'drop'; readonly why: string }
  /** Drop the run; this session may own the record, now or later. */
  | { readonly kind: 'doubt'; readonly why: string };

/** Decides what a run does after its write. */
export function afterWrite(
  memory: Pick<Memory, 'ownership' | 'conflicts'>,
  /**
   * `hold`: the write was to make this session the owner. `isAwaited`: a caller's event requested
   * it.
   */
  write: { readonly hold: boolean; readonly isAwaited: boolean },
  result: WriteResult,
): AfterWrite {
  const owned = memory.ownership === 'ours' || memory.ownership === 'orphaned';
  switch (result.kind) {
    case 'applied':
      return { kind: 'applied', version: result.version };
    case 'conflict':
    case 'missing': {
      const isTooMany = memory.conflicts >= MAX_CONFLICTS;
      if (result.kind === 'missing' && owned) return { kind: 'drop', why: 'its record is gone' };
      if (isTooMany && !owned) return { kind: 'drop', why: 'too many other writers change the record' };
      return { kind: 'again', paced: isTooMany, refused: isTooMany && write.isAwaited };
    }
    case 'failed': {
      const why = `the store did not accept the write (${result.error.message})`;
      if (!owned) return { kind: 'drop', why };
      return write.isAwaited && memory.ownership === 'ours' ? { kind: 'undo', why } : { kind: 'park', why };
    }
    case 'abandoned': {
      const why = 'whether it was stored is not known';
      if (owned) return { kind: 'park', why };
      return { kind: write.hold ? 'doubt' : 'drop', why };
    }
  }
}
