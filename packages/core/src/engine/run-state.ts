import type { Transaction } from '../patterns/model.ts';
import type { Effects } from '../patterns/step.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { Delivery } from './delivery.ts';
import type { Ownership } from './memory.ts';

/** The record was not read yet, or this version cannot read it. */
export interface Unread {
  readonly kind: 'unread';
  /** The version at which the record was found unreadable; otherwise 0. */
  readonly version: number;
}

/**
 * Events are delivered. The same object serves the run from state to state, so that a transition
 * allocates little: the states below refer to it as `known`.
 */
export interface Open {
  readonly kind: 'open';
  transaction: Transaction;
  /** Application group: only nodes that host the group may drive the transaction. */
  readonly group: string;
  /** 0 until the first write is applied. */
  version: number;
  writeId: string;
  ownership: Ownership;
  retryCommands: number;
  suspect: boolean;
}

/** The memory of the record. */
export type Known = Unread | Open;

/** What every state contains whose record a claim may return. */
interface Claimable {
  known: Known;
  /** The record that a claim returned in this state, to be reconciled at its end. */
  claimed: StoredTransaction | undefined;
}

/** The record is being read, for the first time or again. */
export interface Loading extends Claimable {
  readonly kind: 'loading';
}

/** The step that requested a write. */
export interface Cause {
  readonly before: Transaction;
  readonly delivery: Delivery;
  readonly effects: Effects;
}

/** The transaction is being written. */
export interface Writing extends Claimable {
  readonly kind: 'writing';
  known: Open;
  /** Undefined for a write of progress alone. */
  readonly cause: Cause | undefined;
  /** Whether this session owns the record afterwards. */
  readonly hold: boolean;
  readonly dueInMs: number | null;
  readonly writeId: string;
}

/** The force-stop of a damaged record is being written. */
export interface Stopping extends Claimable {
  readonly kind: 'stopping';
}

/** The record is being released, undriven. This session owns it until then. */
export interface Releasing extends Claimable {
  readonly kind: 'releasing';
}

/** The run has left memory. */
export interface Gone {
  readonly kind: 'gone';
  readonly known: Known;
}

export type RunState = Loading | Open | Writing | Stopping | Releasing | Gone;
