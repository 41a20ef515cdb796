/**
 * A worker that served for at least this time before it died is restarted after the shortest wait.
 */
const STEADY_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/**
 * Number of failed starts in a row, with no worker serving, after which restarting is abandoned.
 */
const MOST_FAILED_STARTS = 5;

/** How a worker died. */
export interface Death {
  readonly worker: number;
  /** How long it served; undefined: never. */
  readonly servedMs: number | undefined;
  /** Number of workers that serve now. */
  readonly serving: number;
}

export type Verdict = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'abandon' };

/**
 * Decides what to do about a worker that died.
 * R1  A worker that served for a while is restarted after the shortest wait.
 * R2  Otherwise the wait doubles with each of its deaths in a row, up to ten seconds: a crash loop
 *     must not use up the machine.
 * R3  While another worker serves, restarts never end, since only the store may be away. If none
 *     serves and five starts in a row failed, restarting is abandoned.
 */
export class Restarts {
  readonly #inARow = new Map<number, number>();
  #failedStarts = 0;

  judge({ worker, servedMs, serving }: Death): Verdict {
    this.#failedStarts = servedMs === undefined ? this.#failedStarts + 1 : 0;
    if (serving === 0 && this.#failedStarts >= MOST_FAILED_STARTS) return { kind: 'abandon' };
    const before = servedMs !== undefined && servedMs >= STEADY_MS ? 0 : (this.#inARow.get(worker) ?? 0);
    this.#inARow.set(worker, before + 1);
    return { kind: 'restart', afterMs: Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(before, 10)) };
  }
}
