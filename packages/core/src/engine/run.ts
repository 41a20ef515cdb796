import type { BranchResult, HoldfastError, Pattern, Status, TransactionKey } from '@holdfast/protocol';
import type { Timer } from '../environment.ts';
import type { Definition, Transaction } from '../patterns/model.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { TransactionEvent } from '../patterns/step.ts';
import type { InFlight } from './calls.ts';

/** The pending reply to the caller that submitted an event. */
export interface Reply {
  /** Called when the event's effect is durable. */
  readonly done: (transaction: Transaction) => void;
  readonly failed: (error: HoldfastError) => void;
  /** If true, `done` is called at the end of a full pass. */
  readonly wholePass: boolean;
}

export interface Delivery {
  readonly event: TransactionEvent;
  readonly reply?: Reply;
  /** The pattern that the caller expects; another one is rejected. */
  readonly pattern?: Pattern;
  /**
   * The definition that the caller submits under the gid; one that differs from the stored one is
   * rejected.
   */
  readonly definition?: Definition;
}

/**
 * The owner of the record, as far as the run knows. `none`: no session, or not stored yet. `ours`:
 * this session, which knows everything that was started. `orphaned`: the store names this session,
 * but no run drove the record. `theirs`: another live session.
 */
export type Ownership = 'none' | 'ours' | 'orphaned' | 'theirs';

/**
 * A node's memory of one transaction, as plain data: the part of a run on which decisions are
 * based.
 */
export interface Memory {
  /** Undefined until the record was read. */
  readonly transaction: Transaction | undefined;
  /** Fencing version of the record; 0 if not stored yet. */
  readonly version: number;
  /**
   * Write ID of the record in this node's memory: while the record has it, no other node has
   * decided.
   */
  readonly writeId: string;
  readonly ownership: Ownership;
  /** Retry commands stored by other nodes that this node has already applied. */
  readonly retryOrders: number;
  /**
   * A previous owner was lost, and no write since then has reset the claims (and the suspicion).
   */
  readonly suspect: boolean;
  /** The record that a claim returned while a command on it was in progress. */
  readonly claimed: StoredTransaction | undefined;
  /** Number of consecutive lost writes. */
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
 *                                 └─────────┴──cannot drive───▶ releasing ──────┘
 *
 * While the run is loading or a write is in flight, events queue, so that a pattern steps only on
 * the last durable decision. While the run is releasing, this session still owns the record and
 * drives nothing; events queue until the record is released.
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
  /** Application group: only nodes that host the group may drive the transaction. */
  group: string;
  delivering: boolean;
  passWaiters: Reply[];
  readonly inFlight: InFlight;
  timer: Timer | undefined;
  /** The version at the watcher's last check. */
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

/**
 * The result of a call that was not made because a decision made it unnecessary while it waited for
 * its turn.
 */
export const WITHDRAWN: BranchResult = { kind: 'UNKNOWN', reason: 'needless after the decision', deferred: true };

/** The result of a call that was not made because too many calls wait for the same destination. */
export const DEFERRED: BranchResult = {
  kind: 'UNKNOWN',
  reason: 'too many calls wait for this destination',
  deferred: true,
};
