import type { BranchResult, HoldfastError, Pattern, TransactionKey } from '@holdfast/protocol';
import type { Timer } from '../environment.ts';
import type { Transaction } from '../model.ts';
import type { StoredTransaction } from '../store.ts';
import type { TransactionEvent } from '../patterns/step.ts';

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
}

/**
 * A transaction in this node's memory: being driven, or loaded for a command.
 *
 *     loading ──record read──▶ open ◀──▶ writing ──released · final · lost──▶ gone
 *
 * While it is loading or a write is under way, events queue; so a pattern steps on the last durable decision only.
 */
export interface Run {
  readonly id: string;
  readonly key: TransactionKey;
  phase: 'loading' | 'open' | 'writing' | 'gone';
  /** Undefined while loading. */
  transaction: Transaction | undefined;
  /** Fencing version of the record; 0: not stored yet. */
  version: number;
  /** Write id of the record as this node knows it: while it is the record's, nobody else decided anything. */
  writeId: string;
  /** This session is the record's owner. */
  owned: boolean;
  /** Another living session is, or was when the record was read. */
  foreign: boolean;
  /** Application group: only nodes that host it may drive it. */
  group: string;
  queue: Delivery[];
  delivering: boolean;
  passWaiters: Reply[];
  timer: Timer | undefined;
  /** The record as claimed while a command on it was under way. */
  claimed: StoredTransaction | undefined;
  conflicts: number;
  /** Orders to drive it at once that other nodes have stored, as far as this node has heeded them. */
  retryOrders: number;
  /** A node vanished with it, and nothing was written since by which its claims would begin anew. */
  suspect: boolean;
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
    owned: false,
    foreign: false,
    group,
    queue: [],
    delivering: false,
    passWaiters: [],
    timer: undefined,
    claimed: undefined,
    conflicts: 0,
    retryOrders: 0,
    suspect: false,
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
