import type { BranchResult, HoldfastError, Pattern, Status, TransactionKey } from '@holdfast/protocol';
import type { Timer } from '../environment.ts';
import type { Definition, Transaction } from '../model.ts';
import type { StoredTransaction } from '../store.ts';
import type { TransactionEvent } from '../patterns/step.ts';
import type { InFlight } from './calls.ts';

/** Who asked for an event and wants to hear what became of it. */
export interface Reply {
  /** The event's effect is durable. */
  readonly done: (transaction: Transaction) => void;
  readonly failed: (error: HoldfastError) => void;
  /** `done` is called at the end of a full pass instead. */
  readonly wholePass: boolean;
}

export interface Delivery {
  readonly event: TransactionEvent;
  readonly reply?: Reply;
  /** What the caller says the transaction is; a contradiction is refused. */
  readonly pattern?: Pattern;
  /** What the caller submits under the gid; other content than that of the stored transaction is refused. */
  readonly definition?: Definition;
}

/**
 * Whose the record is, as far as the run knows. `none`: no session's, or not stored yet. `ours`: this session's, with
 * all that was started known. `orphaned`: the store names this session, but no run drove the record. `theirs`: another
 * live session's.
 */
export type Ownership = 'none' | 'ours' | 'orphaned' | 'theirs';

/** What a node remembers of one transaction, as plain data: the part of a run that decisions are made from. */
export interface Memory {
  /** Undefined while the record was never read. */
  readonly transaction: Transaction | undefined;
  /** Fencing version of the record; 0: not stored yet. */
  readonly version: number;
  /** Write ID of the record as this node knows it: while the record has it, no other node decided anything. */
  readonly writeId: string;
  readonly ownership: Ownership;
  /** Commands to retry that other nodes have stored, as far as this node has applied them. */
  readonly retryOrders: number;
  /** A node crashed with it, and nothing was written since that resets its count of claims (and its suspicion). */
  readonly suspect: boolean;
  /** The record as claimed while a command on it was in progress. */
  readonly claimed: StoredTransaction | undefined;
  /** Writes lost in a row. */
  readonly conflicts: number;
  /** The record's status when it last made a write of this run lose. */
  readonly foundStatus?: Status | undefined;
  /** Events to be delivered, oldest first. */
  readonly queue: readonly Delivery[];
}

/**
 * A transaction in this node's memory: being driven, or loaded for a command.
 *
 *     loading ──record read──▶ open ◀──▶ writing ──released · final · lost──▶ gone
 *                                 │         │                                  ▲
 *                                 └─────────┴──cannot go on──▶ releasing ──────┘
 *
 * While it is loading or a write is in flight, events queue; so a pattern steps on the last durable decision only.
 * While it is releasing, this session still owns the record and drives nothing; events queue until it is released.
 */
export interface Run extends Memory {
  readonly id: string;
  readonly key: TransactionKey;
  phase: 'loading' | 'open' | 'writing' | 'releasing' | 'gone';
  transaction: Transaction | undefined;
  version: number;
  writeId: string;
  ownership: Ownership;
  retryOrders: number;
  suspect: boolean;
  claimed: StoredTransaction | undefined;
  conflicts: number;
  foundStatus: Status | undefined;
  queue: Delivery[];
  /** Application group: only nodes that host it may drive it. */
  group: string;
  delivering: boolean;
  passWaiters: Reply[];
  readonly inFlight: InFlight;
  timer: Timer | undefined;
  /** The version that the watcher saw when it last looked. */
  watchedVersion: number;
}

export function newRun(id: string, key: TransactionKey, phase: Run['phase'], group: string): Run {
  return {
    id,
    key,
    phase,
    transaction: undefined,
    version: 0,
    writeId: '',
    ownership: 'none',
    retryOrders: 0,
    suspect: false,
    claimed: undefined,
    conflicts: 0,
    foundStatus: undefined,
    queue: [],
    group,
    delivering: false,
    passWaiters: [],
    inFlight: { calls: 0, onNone: [] },
    timer: undefined,
    watchedVersion: 0,
  };
}

/** A key as a string: namespaces hold no NUL. */
export const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;

/** A call that was not made because the transaction took another turn while it waited for its place. */
export const WITHDRAWN: BranchResult = { kind: 'UNKNOWN', reason: 'needless after the decision', deferred: true };

/** A call that was not made because too many wait for the same destination. */
export const DEFERRED: BranchResult = {
  kind: 'UNKNOWN',
  reason: 'too many calls wait for this destination',
  deferred: true,
};
