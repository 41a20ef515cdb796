/** Requests that wait for their method, at most this many: then the client is paused. */
const MOST_WAITING = 16;

/** The source of a call's bytes. */
interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** The requests of a streaming call, in their order. */
export class RequestQueue implements AsyncIterable<Buffer> {
  readonly #source: Pausable;
  readonly #waiting: Buffer[] = [];
  #isEnded = false;
  #wake: (() => void) | undefined;

  constructor(source: Pausable) {
    this.#source = source;
  }

  push(request: Buffer): void {
    this.#waiting.push(request);
    if (this.#waiting.length >= MOST_WAITING) this.#source.pause();
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
        if (this.#waiting.length === 0) this.#source.resume();
        yield request;
      } else if (this.#isEnded) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
