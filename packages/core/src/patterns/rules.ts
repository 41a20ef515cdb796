import type { Status } from '@holdfast/protocol';
import type { Transaction } from './model.ts';
import type { Moment, Refusal, TransactionEvent } from './step.ts';

type EventOf<K extends TransactionEvent['kind']> = Extract<TransactionEvent, { kind: K }>;

/**
 * The decisions of one pattern. Transitions return the transaction after the event, or why it is
 * rejected; `advance` then decides from the state alone what happens next. Behaviour common to all
 * patterns (resuming, retrying, stopping, durability) is in `index.ts` and `conclude.ts`.
 */
export interface PatternRules {
  submit(transaction: Transaction, event: EventOf<'submitted'>, moment: Moment): Transaction | Refusal;
  abort(transaction: Transaction, event: EventOf<'abort'>, moment: Moment): Transaction | Refusal;
  end(transaction: Transaction, event: EventOf<'ended'>, moment: Moment): Transaction | Refusal;
  responded(transaction: Transaction, event: EventOf<'responded'>, moment: Moment): Transaction;
  checked(transaction: Transaction, event: EventOf<'checked'>, moment: Moment): Transaction;
  /** Only for a pattern whose code runs in its client, which parks it. */
  park?(transaction: Transaction, event: EventOf<'park'>, moment: Moment): Transaction | Refusal;
  /** Only for a pattern whose code runs in its client, which sends heartbeats. */
  heartbeat?(transaction: Transaction, moment: Moment): Transaction | Refusal;
  /**
   * Called after a claim. Returns the transaction with its next callback delayed, if no node could
   * receive a heartbeat when the callback became due, or if it is not due and the client is alive;
   * otherwise undefined.
   */
  delayed?(transaction: Transaction, moment: Moment): Transaction | undefined;
  /**
   * Called for an unfinished transaction that is not parked. A second call without an event in
   * between starts nothing again.
   */
  advance(transaction: Transaction, moment: Moment): Plan;
}

/** The next actions for a transaction. */
export interface Plan {
  readonly transaction: Transaction;
  readonly calls: readonly number[];
  readonly check: boolean;
  readonly wakeAtMs: number | null;
}

/** A plan that starts nothing until `wakeAtMs`. */
export const waitUntil = (transaction: Transaction, wakeAtMs: number | null): Plan => ({
  transaction,
  calls: [],
  check: false,
  wakeAtMs,
});

/** The rejection text that dtm's clients expect. */
export const refuse = (status: Status, verb: string): Refusal => ({
  refusal: `current status '${status}', cannot ${verb}`,
});
