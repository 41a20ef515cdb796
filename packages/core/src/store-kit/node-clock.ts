/**
 * Rate of the floor on the node's monotonic clock, slightly below 1: the floor never overtakes a
 * correct database clock, however the two clocks drift, and a store whose time is ahead of the wall
 * clock returns to it (an hour within about four days).
 */
const PACE = 0.99;

/**
 * The node's part in the store's time: a floor, below which the store's time never goes.
 * T1  The store's time is the wall clock (the database's, or the machine's for a store in this
 *     process), but never earlier than the floor.
 * T2  The floor is the latest time that the node has seen plus the monotonic time since. If the
 *     wall clock is set back, the store's time therefore neither goes back nor stops: it continues
 *     on the monotonic clock until the wall clock has caught up.
 * T3  Nodes agree on the time with each heartbeat, and a node that opens a store begins at the
 *     latest stored time.
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
   * A time that has certainly been reached, in whole ms since the epoch; 0 before the first call of
   * `seen`.
   */
  get floorMs(): number {
    if (this.#seenMs === 0) return 0;
    return Math.floor(this.#seenMs + (this.#monotonicMs() - this.#seenAtMs) * PACE);
  }

  /** The wall clock that replaces the database's, in whole ms; undefined: read the database's. */
  wallMs(): number | undefined {
    return this.#wallMs === undefined ? undefined : Math.floor(this.#wallMs());
  }

  /** The time of a store in this process, in whole ms since the epoch. */
  nowMs(): number {
    return this.seen(Math.max(this.floorMs, this.wallMs() ?? 0));
  }

  /** Records a time of the store and returns it. */
  seen(nowMs: number): number {
    // A time at the floor does not reset it: each reset would lose a fraction of a ms.
    if (nowMs > this.floorMs) {
      this.#seenMs = nowMs;
      this.#seenAtMs = this.#monotonicMs();
    }
    return nowMs;
  }
}
