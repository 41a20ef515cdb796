/**
 * Pace of the floor on the node's monotonic clock. A little slower than normal: the floor never
 * overtakes a correct database clock, however the two clocks drift, and a store whose time is ahead
 * of the wall clock returns to it (an hour within about four days).
 */
const PACE = 0.99;

/**
 * The node's part in the store's time: the floor below which no call goes.
 *
 * T1  The store's time is the wall clock (the database's, or the machine's for a store in this
 *     process), but never before the floor.
 * T2  The floor is the latest time that the node has seen plus the monotonic time since. When the
 *     wall clock is set back, the store's time therefore neither goes back nor stands still: it
 *     continues on the monotonic clock until the wall clock has caught up.
 * T3  Nodes agree with each heartbeat, and a node that opens a store begins at the latest time that
 *     is stored.
 */
export class NodeClock {
  readonly #wallMs: (() => number) | undefined;
  readonly #monotonicMs: () => number;
  #seenMs = 0;
  #seenAtMs = 0;

  /**
   * @param wallMs replaces the database's clock (in tests, and for a store in this process)
   * @param monotonicMs ms on a clock that never goes back
   */
  constructor(wallMs: (() => number) | undefined, monotonicMs: () => number) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * The time that has certainly been reached, whole ms since the epoch; 0 before the first one was
   * seen.
   */
  get floorMs(): number {
    if (this.#seenMs === 0) return 0;
    return Math.floor(this.#seenMs + (this.#monotonicMs() - this.#seenAtMs) * PACE);
  }

  /**
   * The wall clock that replaces the database's, in whole ms; undefined: the database's is to be
   * read.
   */
  wallMs(): number | undefined {
    return this.#wallMs === undefined ? undefined : Math.floor(this.#wallMs());
  }

  /** The time of a store in this process, whole ms since the epoch. */
  nowMs(): number {
    return this.seen(Math.max(this.floorMs, this.wallMs() ?? 0));
  }

  /** Takes in a time of the store; returns it. */
  seen(nowMs: number): number {
    // A time at the floor is the floor itself: beginning again from there would lose parts of a ms
    // each time.
    if (nowMs > this.floorMs) {
      this.#seenMs = nowMs;
      this.#seenAtMs = this.#monotonicMs();
    }
    return nowMs;
  }
}
