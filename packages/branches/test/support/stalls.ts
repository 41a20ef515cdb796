const EVERY_MS = 10;

/** Measures for how long the event loop ran nothing else: timers are late by that, in sum. */
export class Stalls implements Disposable {
  #sumMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    this.#sumMs = this.sumMs;
    this.#lastMs = performance.now();
  }, EVERY_MS);

  /** Since the beginning, the present one included. */
  get sumMs(): number {
    return this.#sumMs + Math.max(0, performance.now() - this.#lastMs - EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
