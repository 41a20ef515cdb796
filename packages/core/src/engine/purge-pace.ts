/** Size in transactions of the first, the smallest and the largest batch. */
const FIRST_BATCH = 200;
const SMALLEST_BATCH = 50;
const LARGEST_BATCH = 2_000;
/**
 * Target range for the duration of a batch: in a store within this process nothing else runs during
 * a batch.
 */
const FAST_MS = 5;
const SLOW_MS = 20;
/** Bounds of the pause between two batches, as a multiple of the duration of the last batch. */
const LONGEST_PAUSE_FACTOR = 4;
const SHORTEST_PAUSE_FACTOR = 0.25;
/** Number of consecutive full batches after which the pauses are halved. */
const PATIENCE = 16;
const SHORTEST_PAUSE_MS = 2;
/** Bounds of the interval between two searches without a backlog. */
const MOST_REST_MS = 30_000;
const LEAST_REST_MS = 250;

/**
 * Decides how many finished transactions are deleted at once, and when the next batch follows.
 *
 * P1  The size of a batch follows the duration of batches, so that purging disturbs the load
 *     equally little on a fast store and on a slow one.
 * P2  Full batches mean that there is a backlog. Pauses are long at first, with a fifth of the time
 *     spent deleting, and become shorter the longer the backlog lasts, so that the backlog does not
 *     grow without bound.
 * P3  Without a backlog, the next search comes sooner the more the last one found.
 */
export class PurgePace {
  #batch = FIRST_BATCH;
  #pauseFactor = LONGEST_PAUSE_FACTOR;
  #fullInARow = 0;
  #restMs = MOST_REST_MS;

  /** Maximum number of transactions in the next batch. */
  get batch(): number {
    return this.#batch;
  }

  /** True while the last batch was full. */
  get hasBacklog(): boolean {
    return this.#fullInARow > 0;
  }

  /**
   * Notes what the last batch deleted and how long it took. Returns the time until the next batch,
   * in ms.
   */
  next(purged: number, tookMs: number): number {
    const isFull = purged >= this.#batch;
    if (!isFull) return this.#rest(purged * 4 > this.#batch);
    if (tookMs < FAST_MS) this.#batch = Math.min(this.#batch * 2, LARGEST_BATCH);
    else if (tookMs > SLOW_MS) this.#batch = Math.max(Math.floor(this.#batch / 2), SMALLEST_BATCH);
    if (++this.#fullInARow % PATIENCE === 0) this.#pauseFactor = Math.max(this.#pauseFactor / 2, SHORTEST_PAUSE_FACTOR);
    return Math.max(SHORTEST_PAUSE_MS, tookMs * this.#pauseFactor);
  }

  /**
   * Notes that a batch failed, or that another node deletes. Returns the time until the next
   * attempt, in ms.
   */
  idle(): number {
    return this.#rest(false);
  }

  #rest(foundMany: boolean): number {
    if (this.#fullInARow > 0) this.#restMs = Math.max(this.#restMs / 4, LEAST_REST_MS);
    else if (!foundMany) this.#restMs = Math.min(this.#restMs * 2, MOST_REST_MS);
    this.#fullInARow = 0;
    this.#pauseFactor = LONGEST_PAUSE_FACTOR;
    return this.#restMs;
  }
}
