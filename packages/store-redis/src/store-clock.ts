import { NodeClock } from '@holdfast/core/store-kit';
import { textOf } from './records.ts';
import type { Argument, Reply } from './connection.ts';

/** The node's part in the store's time, as script arguments. */
export class StoreClock extends NodeClock {
  /** The first two arguments of every script. */
  arguments(): readonly Argument[] {
    return [this.floorMs, this.wallMs() ?? ''];
  }

  /** Takes over a time from a script's response. */
  override seen(reply: Reply | undefined): number {
    return super.seen(Number(textOf(reply)));
  }
}
