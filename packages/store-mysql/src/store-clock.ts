import { number } from './sql.ts';

/**
 * What a node contributes to the store's time: the latest that it has seen, below which no call goes, should the database's clock be set back. Nodes
 * agree with each heartbeat, and a node that opens begins at the latest that was stored.
 */
export class StoreClock {
  readonly #wallMs: (() => number) | undefined;
  #floorMs = 0;

  constructor(wallMs: (() => number) | undefined) {
    this.#wallMs = wallMs;
  }

  /** The store's time as an expression, ms since the epoch. Connections are set to UTC, which has no hour twice. */
  expression(): string {
    const wall = this.#wallMs === undefined ? 'floor(unix_timestamp(now(6)) * 1000)' : number(this.#wallMs());
    return `cast(greatest(${this.#floorMs}, ${wall}) as signed)`;
  }

  /** Sets `@now` for the statements behind it. */
  set(): string {
    return `set @now = ${this.expression()}`;
  }

  /** Takes in a time of the store's; answers it. */
  seen(nowMs: number): number {
    this.#floorMs = Math.max(this.#floorMs, nowMs);
    return nowMs;
  }
}
