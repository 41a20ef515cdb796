/** Time that all long work together may take in one turn of the event loop. */
const BUDGET_MS = 4;

/**
 * Shares each turn of the event loop among the parts of all long work in the process, such as
 * parsing long requests and creating long responses. A turn runs parts for `BUDGET_MS` and one
 * more; the others wait in order. A part that waits again does not run before the next turn.
 */
export class Turns {
  readonly #nowMs: () => number;
  readonly #later: (run: () => void) => void;
  /** In order; the first `#at` of them were resumed. */
  #waiting: (() => void)[] = [];
  #next: (() => void)[] = [];
  #at = 0;
  #isScheduled = false;
  #startedMs = -Infinity;

  /** @param later calls its argument in the next turn */
  constructor(
    nowMs: () => number = () => performance.now(),
    later: (run: () => void) => void = (run) => void setImmediate(run),
  ) {
    this.#nowMs = nowMs;
    this.#later = later;
  }

  /** Whether the time for this turn's parts is used up. */
  get isSpent(): boolean {
    return this.#nowMs() - this.#startedMs > BUDGET_MS;
  }

  /**
   * Resolves in a later turn, after other events were handled and when there is time for a part.
   */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#next.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#later(this.#begin);
  }

  readonly #begin = (): void => {
    this.#startedMs = this.#nowMs();
    if (this.#at === this.#waiting.length) {
      [this.#waiting, this.#next] = [this.#next, []];
      this.#at = 0;
    }
    this.#resume();
  };

  readonly #resume = (): void => {
    const resume = this.#waiting[this.#at];
    if (resume === undefined || this.isSpent) {
      this.#isScheduled = false;
      if (resume !== undefined || this.#next.length > 0) this.#schedule();
      return;
    }
    this.#at++;
    resume();
    // Runs after the part, which consists of microtasks, and before other events.
    queueMicrotask(() => process.nextTick(this.#resume));
  };
}

/** The turns of this process. */
export const turns = new Turns();
