import type { BranchResult } from '@holdfast/protocol';
import type { Transaction, TransactionOptions } from '../model.ts';

/**
 * The pure core: `step(transaction, event, moment)` gives the transaction after the event and the effects the engine must run. Time, chance and the
 * operator's settings come in with the moment.
 */
export interface Moment {
  /** Engine time, ms since the epoch. */
  readonly nowMs: number;
  /** In [0, 1): for jitter. */
  readonly random: number;
  readonly policy: Policy;
}

/** The engine options that patterns look at. */
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
  /** Saved, but not to be driven yet. `again`: it was stored before. */
  | { readonly kind: 'prepared'; readonly again: boolean }
  /**
   * The client submits; the options of its call govern this pass. `branches`: those that its run
   * of a tcc or xa called; undefined: it does not state them.
   */
  | {
      readonly kind: 'submitted';
      readonly options: Partial<TransactionOptions>;
      readonly branches?: readonly string[];
    }
  /** A workflow's code came to its end. */
  | {
      readonly kind: 'ended';
      readonly status: 'succeed' | 'failed';
      readonly rollbackReason: string;
      readonly result: string;
    }
  /**
   * A node took it from the store. `claims` > 1: the node before vanished without an orderly release. `abort`: reason of an order that the node before
   * did not carry out any more.
   */
  | { readonly kind: 'resumed'; readonly claims: number; readonly abort?: string }
  | { readonly kind: 'answered'; readonly branch: number; readonly result: BranchResult; readonly durationMs: number }
  /** The client answered the check-back (message) or the call-back (workflow). */
  | { readonly kind: 'checked'; readonly result: BranchResult; readonly durationMs: number }
  /** Calls, or the question to the client, were not made: there is no room for them, or (`againInMs` 0) a decision has made them needless. No attempt. */
  | {
      readonly kind: 'deferred';
      readonly calls: readonly (number | 'check')[];
      readonly result: BranchResult;
      readonly againInMs: number;
    }
  /** Time passed. */
  | { readonly kind: 'timer' }
  | { readonly kind: 'abort'; readonly reason: string; readonly byOperator: boolean }
  /** A hook has acknowledged the alert. */
  | { readonly kind: 'alerted' }
  /** Drive again at once. */
  | { readonly kind: 'retry' }
  /** The code that runs it cannot go on without a person. */
  | { readonly kind: 'park'; readonly reason: string }
  /** An operator force-stops the transaction: it becomes failed, is never driven again, and nothing is compensated. */
  | { readonly kind: 'stop'; readonly reason: string };

export interface Effects {
  /** Call these ops now (indices into `Transaction.branches`). */
  readonly calls: readonly number[];
  /** Ask the client now. */
  readonly check: boolean;
  /**
   * `wait`: the state must be durable before any other effect happens. `lazily`: with the next write, at the latest after the flush interval.
   * `none`: nothing worth writing changed.
   */
  readonly persist: 'wait' | 'lazily' | 'none';
  /** Deliver `timer` then; null: no need. */
  readonly wakeAtMs: number | null;
  /** A full pass is over: answer the callers who wait for it. */
  readonly passOver: boolean;
  /** It just became one that needs operator attention, or was resumed before its alert was acknowledged. */
  readonly alert: { readonly branch: string; readonly error: string; readonly retryCount: number } | undefined;
}

export interface Stepped {
  readonly transaction: Transaction;
  readonly effects: Effects;
}

/** The transaction's status does not allow what was asked; nothing changed. */
export interface Refusal {
  readonly refusal: string;
  /** Path of the field in the request that does not fit. */
  readonly field?: string;
}

export const isRefusal = (answer: Stepped | Refusal): answer is Refusal => 'refusal' in answer;
