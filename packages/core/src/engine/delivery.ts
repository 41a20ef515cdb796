import type { HoldfastError, Pattern } from '@holdfast/protocol';
import type { Definition, Transaction } from '../patterns/model.ts';
import type { TransactionEvent } from '../patterns/step.ts';

/** The pending reply to the caller that submitted an event. */
export interface Reply {
  /** Called when the event's effect is durable. */
  readonly done: (transaction: Transaction) => void;
  readonly failed: (error: HoldfastError) => void;
  /** If true, `done` is called at the end of a full pass. */
  readonly wholePass: boolean;
}

/** An event to be delivered to a transaction. */
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

/** Reply for events that no caller sent. */
export const UNHEARD: Reply = { done() {}, failed() {}, wholePass: false };
