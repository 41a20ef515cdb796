import type { BranchResult, FieldPath } from '@holdfast/protocol';
import type { Transaction, TransactionOptions } from './model.ts';

/**
 * The pure core: `step(transaction, event, moment)` returns the transaction after the event and the
 * effects that the engine must execute. Time, randomness and the operator's settings are in the
 * moment.
 */
export interface Moment {
  /** Engine time, ms since the epoch. */
  readonly nowMs: number;
  /** In [0, 1), for jitter. */
  readonly random: number;
  readonly policy: Policy;
}

/** The engine options that patterns use. */
export interface Policy {
  readonly retryIntervalMs: number;
  readonly maxRetryIntervalMs: number;
  readonly timeoutToFailMs: number;
  readonly alertAfterRetries: number;
  readonly maxClaims: number;
  /** No hook receives alerts: none is kept for a later attempt. */
  readonly noAlertHook?: boolean;
}

export type TransactionEvent =
  /** Stored, but not driven yet. `again`: it was stored before. */
  | { readonly kind: 'prepared'; readonly again: boolean }
  /**
   * The client submits; the options of its call apply to this pass. `branches`: those that its run
   * of a tcc or xa called; undefined: not stated.
   */
  | {
      readonly kind: 'submitted';
      readonly options: Partial<TransactionOptions>;
      readonly branches?: readonly string[];
      /** The submitting run of a tcc, to which every nested branch must belong. */
      readonly run?: string;
    }
  /** A workflow's code has finished. */
  | {
      readonly kind: 'ended';
      readonly status: 'succeed' | 'failed';
      readonly rollbackReason: string;
      readonly result: string;
    }
  /**
   * A node claimed the transaction. `claims` > 1: the previous owner was lost without releasing it.
   * `abort`: an abort command that the previous owner did not execute.
   */
  | { readonly kind: 'resumed'; readonly claims: number; readonly abort?: AbortCommand }
  | { readonly kind: 'responded'; readonly branch: number; readonly result: BranchResult; readonly durationMs: number }
  /** The client responded to the check-back (message) or the callback (workflow). */
  | { readonly kind: 'checked'; readonly result: BranchResult; readonly durationMs: number }
  /**
   * Calls, or the query to the client, were not made: there is no room, or (`againInMs` 0) a
   * decision has made them unnecessary. This does not count as an attempt.
   */
  | {
      readonly kind: 'deferred';
      readonly calls: readonly (number | 'check')[];
      readonly result: BranchResult;
      readonly againInMs: number;
    }
  /** The wake time was reached. */
  | { readonly kind: 'timer' }
  | ({ readonly kind: 'abort'; readonly byOperator: boolean } & AbortCommand)
  /** A hook has acknowledged the alert. */
  | { readonly kind: 'alerted' }
  /** Drive again at once. */
  | { readonly kind: 'retry'; readonly by?: string }
  /** The workflow's code cannot continue without operator attention. */
  | { readonly kind: 'park'; readonly reason: string; readonly by?: string }
  /** A run of the workflow's code is alive: no callback before the interval has passed. */
  | { readonly kind: 'heartbeat' }
  /**
   * An operator force-stops the transaction: it becomes failed, is never driven again, and nothing
   * is compensated.
   */
  | { readonly kind: 'stop'; readonly reason: string; readonly by?: string };

/** An abort; `by`: the ID of the principal that sent it, absent for an anonymous one. */
export interface AbortCommand {
  readonly reason: string;
  readonly by?: string;
}

export interface Effects {
  /** Ops to call now (indices into `Transaction.branches`). */
  readonly calls: readonly number[];
  /** Query the client now. */
  readonly check: boolean;
  /**
   * `wait`: the state must be durable before any other effect happens. `lazily`: write it with the
   * next write, at the latest after the flush interval. `none`: no change worth writing.
   */
  readonly persist: 'wait' | 'lazily' | 'none';
  /** When to deliver `timer`; null: never. */
  readonly wakeAtMs: number | null;
  /** A full pass is complete: respond to the callers that wait for it. */
  readonly passOver: boolean;
  /**
   * Set if the transaction has just come to need operator attention, or was resumed before its
   * alert was acknowledged.
   */
  readonly alert: { readonly branch: string; readonly error: string; readonly retryCount: number } | undefined;
}

export interface Stepped {
  readonly transaction: Transaction;
  readonly effects: Effects;
}

/** The transaction's status does not allow the event; nothing changed. */
export interface Refusal {
  readonly refusal: string;
  /** Path of the request's field that is in conflict. */
  readonly field?: FieldPath;
}

export const isRefusal = (stepped: Stepped | Refusal): stepped is Refusal => 'refusal' in stepped;
