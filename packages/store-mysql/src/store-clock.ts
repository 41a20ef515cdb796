import { NodeClock } from '@holdfast/core';
import { number } from './sql.ts';

/** `@now`, which a statement that changes something tells along with its answer: an answer in rows would cost more. */
export const TELL_NOW = 'last_insert_id(@now)';

/** The node's part in the store's time, as statements take it. */
export class StoreClock extends NodeClock {
  /** The store's time as an expression, ms since the epoch. Connections are set to UTC, which has no hour twice. */
  expression(): string {
    const wallMs = this.wallMs();
    const wall = wallMs === undefined || wallMs === null ? 'floor(unix_timestamp(now(6)) * 1000)' : number(wallMs);
    return `cast(greatest(${number(this.floorMs)}, ${wall}) as signed)`;
  }

  /** Sets `@now` for the statements behind it. */
  set(): string {
    return `set @now = ${this.expression()}`;
  }
}
