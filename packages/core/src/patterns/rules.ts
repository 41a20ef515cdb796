import type { Status } from '@holdfast/protocol';
import type { Transaction } from '../model.ts';
import type { Moment, Refusal, TransactionEvent } from './step.ts';

type EventOf<K extends TransactionEvent['kind']> = Extract<TransactionEvent, { kind: K }>;

/**
 * What one pattern decides. The transitions answer the transaction after the event, or why it is refused; `advance` then looks at the state alone and
 * says what happens next. What is the same for all patterns (resuming, retrying, stopping, what must be durable) is in `index.ts` and `conclude.ts`.
 */
export interface PatternRules {
  submit(transaction: Transaction, event: EventOf<'submitted'>, moment: Moment): Transaction | Refusal;
  abort(transaction: Transaction, event: EventOf<'abort'>, moment: Moment): Transaction | Refusal;
  end(transaction: Transaction, event: EventOf<'ended'>, moment: Moment): Transaction | Refusal;
  answered(transaction: Transaction, event: EventOf<'answered'>, moment: Moment): Transaction;
  checked(transaction: Transaction, event: EventOf<'checked'>, moment: Moment): Transaction;
  /** Only a pattern whose code runs in its client can be parked by it. */
  park?(transaction: Transaction, event: EventOf<'park'>, moment: Moment): Transaction | Refusal;
  /** Unfinished and not parked. Running it twice without an event in between starts nothing twice. */
  advance(transaction: Transaction, moment: Moment): Plan;
}

/** What happens next. */
export interface Plan {
  readonly transaction: Transaction;
  readonly calls: readonly number[];
  readonly check: boolean;
  readonly wakeAtMs: number | null;
}

/** Nothing to start; look again at `wakeAtMs`. */
export const waitUntil = (transaction: Transaction, wakeAtMs: number | null): Plan => ({
  transaction,
  calls: [],
  check: false,
  wakeAtMs,
});

/** The refusal that dtm's clients know. */
export const refuse = (status: Status, verb: string): Refusal => ({
  refusal: `current status '${status}', cannot ${verb}`,
});
