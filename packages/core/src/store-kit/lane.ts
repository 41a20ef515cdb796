import { StoreError } from '../store/store.ts';

/**
 * The calls of one connection: one at a time, in the order in which they were requested. A store
 * driver has several connections, so that slow calls on one do not delay urgent ones on another.
 */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();
  #closings = 0;

  /** The number of calls of `close` so far. */
  get closings(): number {
    return this.#closings;
  }

  /**
   * Makes a call once all earlier ones have settled; settles as the call does. Rejects with a
   * `StoreError` (`closed`), without making the call, if the lane was closed in between.
   */
  next<T>(call: () => Promise<T>): Promise<T> {
    const closings = this.#closings;
    const result = this.#last.then(() => {
      if (closings === this.#closings) return call();
      throw new StoreError('closed', 'the store was closed');
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Calls that have not begun are not made. Later calls are, on a new connection. */
  close(): void {
    this.#closings++;
  }
}
