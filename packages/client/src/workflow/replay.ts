import { clearTimeout, setTimeout } from 'node:timers';

/**
 * How long the code may take from one recorded step to the next: between steps it only computes.
 */
const QUIET_MS = 1_000;

/**
 * Serves recorded steps first: deterministic code requests every recorded step without a new step
 * in between, since everything that a recorded step depended on was recorded before it began. So a
 * new step waits until all recorded steps were requested. If the code requests no step for a while
 * before that, it is not the code that recorded them.
 */
export class Replay {
  readonly #missing: Set<string>;
  readonly #onMismatch: (missing: readonly string[]) => void;
  readonly #over: Promise<void>;
  readonly #quietMs: number;
  #end: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onMismatch called at most once, with the steps that were not requested */
  constructor(recorded: Iterable<string>, onMismatch: (missing: readonly string[]) => void, quietMs = QUIET_MS) {
    this.#quietMs = quietMs;
    this.#missing = new Set(recorded);
    this.#onMismatch = onMismatch;
    this.#over = new Promise((resolve) => (this.#end = resolve));
    if (this.#missing.size === 0) this.#end();
  }

  /** Notes that the code requested a step, recorded or not. */
  requested(name: string): void {
    this.#missing.delete(name);
    if (this.#missing.size === 0) return this.#close();
    if (this.#timer !== undefined) this.#startTimer();
  }

  /** Resolves when new steps may begin, or when a mismatch was reported. */
  over(): Promise<void> {
    if (this.#missing.size > 0 && this.#timer === undefined) this.#startTimer();
    return this.#over;
  }

  /** Whether every recorded step was requested. */
  get isOver(): boolean {
    return this.#missing.size === 0;
  }

  /** Ends the wait of all callers, without a report of a mismatch. */
  close(): void {
    this.#missing.clear();
    this.#close();
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#report(), this.#quietMs);
  }

  #report(): void {
    const missing = [...this.#missing];
    this.#missing.clear();
    this.#onMismatch(missing);
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#end();
  }
}
