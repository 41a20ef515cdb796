/** A worker that served for so long before it died is started again at once. */
const STEADY_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** So many starts in a row that failed, with no other worker serving, are enough. */
const MOST_FAILED_STARTS = 5;

/** How a worker came to its end. */
export interface Death {
  readonly worker: number;
  /** For how long it served; undefined: it never did. */
  readonly servedMs: number | undefined;
  /** Workers that serve now. */
  readonly serving: number;
}

export type Verdict = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'give up' };

/**
 * What to do about a worker that died.
 *
 * R1  One that served for a while is started again at once.
 * R2  Otherwise the wait doubles with each of its deaths in a row, up to ten seconds: a crash loop must not eat the machine.
 * R3  While another worker serves, it is tried for ever: the store may only be away. When none does and five starts in a row failed, there is no use.
 */
export class Restarts {
  readonly #inARow = new Map<number, number>();
  #failedStarts = 0;

  judge({ worker, servedMs, serving }: Death): Verdict {
    this.#failedStarts = servedMs === undefined ? this.#failedStarts + 1 : 0;
    if (serving === 0 && this.#failedStarts >= MOST_FAILED_STARTS) return { kind: 'give up' };
    const before = servedMs !== undefined && servedMs >= STEADY_MS ? 0 : (this.#inARow.get(worker) ?? 0);
    this.#inARow.set(worker, before + 1);
    return { kind: 'restart', afterMs: Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(before, 10)) };
  }
}
