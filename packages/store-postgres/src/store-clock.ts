/**
 * What a node contributes to the store's time: the latest that it has seen, below which no statement goes, should the database's clock be set back. Nodes
 * agree with each heartbeat, and a node that opens begins at the latest that was stored.
 */
export class StoreClock {
  readonly #wallMs: (() => number) | undefined;
  #floorMs = 0;

  constructor(wallMs: (() => number) | undefined) {
    this.#wallMs = wallMs;
  }

  /** The first two parameters of a statement that has a time. */
  parameters(): [floorMs: number, wallMs: number | null] {
    return [this.#floorMs, this.#wallMs === undefined ? null : Math.floor(this.#wallMs())];
  }

  /** Takes in a time of the store's; answers it. */
  seen(nowMs: number): number {
    this.#floorMs = Math.max(this.#floorMs, nowMs);
    return nowMs;
  }
}
