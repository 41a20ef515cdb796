/**
 * What a node contributes to the time of a store whose clock is a database's: the latest that it has seen, below which no call goes, should the
 * database's clock be set back. Nodes agree with each heartbeat, and a node that opens begins at the latest that was stored.
 */
export class NodeClock {
  readonly #wallMs: (() => number) | undefined;
  #floorMs = 0;

  /** `wallMs` stands in the place of the database's clock: for tests. */
  constructor(wallMs: (() => number) | undefined) {
    this.#wallMs = wallMs;
  }

  /** The latest time that was seen. */
  get floorMs(): number {
    return this.#floorMs;
  }

  /** The wall clock in the place of the database's, in whole ms; undefined: the database's is to be read. */
  wallMs(): number | undefined {
    return this.#wallMs === undefined ? undefined : Math.floor(this.#wallMs());
  }

  /** Takes in a time of the store's; answers it. */
  seen(nowMs: number): number {
    this.#floorMs = Math.max(this.#floorMs, nowMs);
    return nowMs;
  }
}
