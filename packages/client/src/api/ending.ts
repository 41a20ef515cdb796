import { LONGEST_TIMER_MS } from '../longest-timer.ts';

/**
 * Ends one call, by its timeout or by the caller's signal. Not `AbortSignal.any`: in Node 20 a
 * long-lived signal keeps a reference to every signal derived from it.
 */
export class Ending {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  #isLate = false;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = setTimeout(
      () => {
        this.#isLate = true;
        this.#abort.abort();
      },
      Math.min(timeoutMs, LONGEST_TIMER_MS),
    );
    caller?.addEventListener('abort', this.#hangUp, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether the timeout has expired. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Ends the call before its timeout. */
  end(): void {
    this.#abort.abort();
  }

  /** The call has ended: neither its timeout nor the caller's signal matters any more. */
  over(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#hangUp);
  }

  readonly #hangUp = (): void => this.#abort.abort();
}
