/** How long the parts of all long work may take together in one turn of the event loop. */
const BUDGET_MS = 4;

/**
 * Shares each turn of the event loop between the parts of all long work of the process: long
 * requests that are parsed, long responses that are made. However many there are, one turn carries
 * out parts for `BUDGET_MS` and one part more; the others wait in their order. A part that waits
 * again is not carried out before the next turn.
 */
export class Turns {
  readonly #nowMs: () => number;
  readonly #later: (run: () => void) => void;
  /** In their order; the first `#at` of them were resumed. */
  #waiting: (() => void)[] = [];
  #next: (() => void)[] = [];
  #at = 0;
  #isScheduled = false;
  #startedMs = -Infinity;

  /** `later` calls its argument in the next turn. */
  constructor(
    nowMs: () => number = () => performance.now(),
    later: (run: () => void) => void = (run) => void setImmediate(run),
  ) {
    this.#nowMs = nowMs;
    this.#later = later;
  }

  /** Whether the parts of this turn have taken the time there is for them. */
  get isSpent(): boolean {
    return this.#nowMs() - this.#startedMs > BUDGET_MS;
  }

  /** Resolves in a later turn: other events have had their turn, and there is time for a part. */
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
    // Behind the part, which is carried out by microtasks, and before other events.
    queueMicrotask(() => process.nextTick(this.#resume));
  };
}

/** Those of this process. */
export const turns = new Turns();
