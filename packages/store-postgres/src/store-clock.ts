import { NodeClock } from '@holdfast/core';

/** The node's part in the store's time, as statements take it. */
export class StoreClock extends NodeClock {
  /** The first two parameters of a statement that has a time. */
  parameters(): [floorMs: number, wallMs: number | null] {
    return [this.floorMs, this.wallMs() ?? null];
  }
}
