/** A promise that the test settles, perhaps as another one. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve: ((value: T | Promise<T>) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.#resolve = resolve));
  }

  resolve(value: T | Promise<T>): void {
    this.#resolve?.(value);
  }
}
