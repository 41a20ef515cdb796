/**
 * What a step of a workflow returns: a promise that records whether the code uses its outcome. A
 * rejection that the code ignores does not end the process; the workflow fails instead.
 */
export class StepPromise<T> extends Promise<T> {
  #isUsed = false;

  /** Promises derived from this one are plain. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(outcome: Promise<T>): StepPromise<T> {
    const promise = new StepPromise<T>((resolve, reject) => void outcome.then(resolve, reject));
    promise.#handle();
    return promise;
  }

  /** The code awaited it, or passed it to `Promise.all` or the like. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#isUsed = true;
    return super.then(onFulfilled, onRejected);
  }

  #handle(): void {
    super.then(undefined, () => undefined);
  }
}
