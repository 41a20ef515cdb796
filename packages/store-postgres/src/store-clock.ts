import { NodeClock } from '@holdfast/core/store-kit';

/** The node's part in the store's time, as parameters of statements. */
export class StoreClock extends NodeClock {
  /** The first two parameters of a statement that uses the time. */
  parameters(): [floorMs: number, wallMs: number | null] {
    return [this.floorMs, this.wallMs() ?? null];
  }
}
