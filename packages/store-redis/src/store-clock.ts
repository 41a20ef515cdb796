import { textOf } from './records.ts';
import type { Argument, Reply } from './connection.ts';

/**
 * What a node contributes to the store's time: the latest that it has seen, below which no script goes, should the server's clock be set back.
 */
export class StoreClock {
  readonly #wallMs: (() => number) | undefined;
  #floorMs = 0;

  constructor(wallMs: (() => number) | undefined) {
    this.#wallMs = wallMs;
  }

  /** The first two arguments of every script. */
  arguments(): readonly Argument[] {
    return [this.#floorMs, this.#wallMs === undefined ? '' : Math.floor(this.#wallMs())];
  }

  /** Takes in a time of the store's; answers it. */
  seen(reply: Reply | undefined): number {
    const nowMs = Number(textOf(reply));
    this.#floorMs = Math.max(this.#floorMs, nowMs);
    return nowMs;
  }
}
