/**
 * A token bucket: what flows in at a constant rate may be taken, at once up to the size of the
 * bucket. More may be taken than is in it (`charge`), and the debt is paid by waiting.
 */
export class Bucket {
  readonly #perMs: number;
  readonly #size: number;
  #level: number;
  #sinceMs: number;

  /**
   * @param perSecond what flows in
   * @param size what the bucket holds; full at first
   */
  constructor(perSecond: number, size: number, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#size = size;
    this.#level = size;
    this.#sinceMs = nowMs;
  }

  /** Time until this much is in the bucket, in ms; 0: it is now. */
  waitMs(needed: number, nowMs: number): number {
    this.#fill(nowMs);
    return this.#level >= needed ? 0 : Math.ceil((needed - this.#level) / this.#perMs);
  }

  charge(amount: number): void {
    this.#level -= amount;
  }

  #fill(nowMs: number): void {
    // The clock is monotonic; a bucket that was filled later than `nowMs` is left alone.
    if (nowMs <= this.#sinceMs) return;
    this.#level = Math.min(this.#size, this.#level + (nowMs - this.#sinceMs) * this.#perMs);
    this.#sinceMs = nowMs;
  }
}
