/** Requests that wait for their method, and their bytes; beyond them the client is paused. */
const MOST_WAITING = 16;
const MOST_BYTES = 64 * 1024;

/** The requests of a streaming call, in their order. */
export class RequestQueue implements AsyncIterable<Buffer> {
  readonly #emptied: () => void;
  readonly #taken: () => void;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #isEnded = false;
  #isFull = false;
  #wake: (() => void) | undefined;

  /**
   * @param emptied called when a queue that was full is empty again
   * @param taken called when the method has taken a request
   */
  constructor(emptied: () => void, taken: () => void = () => undefined) {
    this.#emptied = emptied;
    this.#taken = taken;
  }

  /** Bytes of the requests that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether no request may be added until it is empty. */
  get isFull(): boolean {
    return this.#isFull;
  }

  push(request: Buffer): void {
    this.#waiting.push(request);
    this.#bytes += request.length;
    if (this.#waiting.length >= MOST_WAITING || this.#bytes >= MOST_BYTES) this.#isFull = true;
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
        this.#bytes -= request.length;
        this.#taken();
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
