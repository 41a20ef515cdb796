import { NodeClock } from '@holdfast/core/store-kit';
import { number } from './sql.ts';

/**
 * Returns `@now` with the result of a statement that changes something: a result in rows would cost
 * more.
 */
export const RETURN_NOW = 'last_insert_id(@now)';

/** The node's part in the store's time, as statements use it. */
export class StoreClock extends NodeClock {
  /**
   * The store's time as an expression, ms since the epoch. Connections use UTC, in which no hour
   * occurs twice.
   */
  expression(): string {
    const wallMs = this.wallMs();
    const wall = wallMs === undefined || wallMs === null ? 'floor(unix_timestamp(now(6)) * 1000)' : number(wallMs);
    return `cast(greatest(${number(this.floorMs)}, ${wall}) as signed)`;
  }

  /** Sets `@now` for the following statements. */
  set(): string {
    return `set @now = ${this.expression()}`;
  }
}
