/** Requests that wait for their method, at most this many: then the client is paused. */
const MOST_WAITING = 16;

/** The requests of a streaming call, in their order. */
export class RequestQueue implements AsyncIterable<Buffer> {
  readonly #emptied: () => void;
  readonly #waiting: Buffer[] = [];
  #isEnded = false;
  #isFull = false;
  #wake: (() => void) | undefined;

  /** @param emptied called when a queue that was full is empty again */
  constructor(emptied: () => void) {
    this.#emptied = emptied;
  }

  /** Whether no request may be added until it is empty. */
  get isFull(): boolean {
    return this.#isFull;
  }

  push(request: Buffer): void {
    this.#waiting.push(request);
    if (this.#waiting.length >= MOST_WAITING) this.#isFull = true;
    this.#wake?.();
  }

  /** No further request comes. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const request = this.#waiting.shift();
      if (request !== undefined) {
        if (this.#waiting.length === 0) this.#resume();
        yield request;
      } else if (this.#isEnded) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #resume(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#emptied();
  }
}
