import { clearTimeout, setTimeout } from 'node:timers';

/**
 * How long the code may take from one recorded step to the next: between steps it only computes.
 */
const QUIET_MS = 1_000;

/**
 * Recorded steps first: code that does the same again asks for every recorded step without needing
 * a new one in between, since whatever a recorded step depended on was recorded before it began. So
 * a new step waits until all of them were asked for; when the code goes quiet before, it is not the
 * code that recorded them.
 */
export class Replay {
  readonly #missing: Set<string>;
  readonly #onMismatch: (missing: readonly string[]) => void;
  readonly #over: Promise<void>;
  readonly #quietMs: number;
  #end: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onMismatch called at most once, with the steps that were not asked for */
  constructor(recorded: Iterable<string>, onMismatch: (missing: readonly string[]) => void, quietMs = QUIET_MS) {
    this.#quietMs = quietMs;
    this.#missing = new Set(recorded);
    this.#onMismatch = onMismatch;
    this.#over = new Promise((resolve) => (this.#end = resolve));
    if (this.#missing.size === 0) this.#end();
  }

  /** The code asked for a step, recorded or not. */
  asked(name: string): void {
    this.#missing.delete(name);
    if (this.#missing.size === 0) return this.#close();
    if (this.#timer !== undefined) this.#startTimer();
  }

  /** Resolves when new steps may begin, or a mismatch was told. */
  over(): Promise<void> {
    if (this.#missing.size > 0 && this.#timer === undefined) this.#startTimer();
    return this.#over;
  }

  /** Every recorded step was asked for. */
  get isOver(): boolean {
    return this.#missing.size === 0;
  }

  /** Nobody waits any more. */
  close(): void {
    this.#missing.clear();
    this.#close();
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), this.#quietMs);
  }

  #tell(): void {
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
