import type { Clock } from '../environment.ts';
import type { Blocked, StoreError, WriteItem, WriteOutcome } from '../store/store.ts';

/**
 * The result of a write. `failed`: certainly not applied. `abandoned`: this node stopped trying;
 * the write may have been applied, or may still be applied.
 */
export type WriteResult =
  | Exclude<WriteOutcome, Blocked>
  | { readonly kind: 'failed'; readonly error: StoreError }
  | { readonly kind: 'abandoned' };

/** An item that waits for its result. */
export interface Pending {
  readonly item: WriteItem;
  readonly id: string;
  /**
   * Written again after the store could not be reached: no caller waits, and the state must become
   * durable.
   */
  readonly persistent: boolean;
  readonly done: (result: WriteResult) => void;
}

/** The result of one call of the store: its outcomes, or the error that it threw. */
export type Attempted = readonly WriteOutcome[] | StoreError;

/** The result of a batch: the outcome of each item, or the same result for all. */
export type BatchResult = readonly WriteOutcome[] | WriteResult;

export const ABANDONED: WriteResult = { kind: 'abandoned' };

/** An item of the batch is at fault, and sending it again cannot help. */
export const isUnstorable = ({ code }: StoreError): boolean => code === 'rejected' || code === 'invalid';

/** What a log line about a batch contains. */
export const logFieldsOf = (batch: readonly Pending[], error: StoreError): Readonly<Record<string, unknown>> => ({
  transactions: batch.length,
  first: batch[0]?.item.key.gid,
  error: error.message,
  cause: error.cause instanceof Error ? error.cause.stack : undefined,
});

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/** The growing pauses between attempts. */
export class Pauses {
  readonly #clock: Clock;
  #nextMs = FIRST_PAUSE_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  reset(): void {
    this.#nextMs = FIRST_PAUSE_MS;
  }

  async pause(): Promise<void> {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    await new Promise<void>((resolve) => this.#clock.setTimer(pauseMs, resolve));
  }
}
