import { HoldfastError } from '@holdfast/protocol';
import { notStarted } from '@holdfast/api';
import type { Exchange } from './exchange.ts';
import { nextTurn } from './json-text.ts';

/**
 * Number of requests for responses of any length served at once: each response may need megabytes.
 */
const PLACES = 16;
/** Maximum number of requests that wait for a place. */
const LONGEST_QUEUE = 1_000;

interface Waiter {
  /** Called with true if the waiter has got a place, with false if its client has disconnected. */
  readonly resume: (hasPlace: boolean) => void;
}

/**
 * Bounds the number, and thereby the memory, of responses of any length in progress. Other such
 * requests wait in order of arrival.
 */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<Waiter>();

  /** Whether requests are waiting. */
  get areAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Takes a place for a request; the caller returns it with `leave`. Returns undefined if a place
   * is free, otherwise a promise that resolves to true when the request has got one, or to false if
   * the client has disconnected. Throws `overloaded` if too many requests are waiting.
   *
   * @param deadlineMs by `performance.now()`; the promise rejects with `deadline_exceeded` then
   */
  enter(exchange: Pick<Exchange, 'onGone'>, deadlineMs?: number): Promise<boolean> | undefined {
    if (this.#taken < PLACES) {
      this.#taken++;
      return undefined;
    }
    if (this.#waiting.size >= LONGEST_QUEUE)
      throw new HoldfastError('overloaded', 'too many requests wait for long responses to be sent; retry later');
    return this.#wait(exchange, deadlineMs);
  }

  /** Returns a place: the request that has waited longest takes it. */
  leave(): void {
    const [first] = this.#waiting;
    if (first === undefined) return void this.#taken--;
    this.#waiting.delete(first);
    first.resume(true);
  }

  async #wait(exchange: Pick<Exchange, 'onGone'>, deadlineMs: number | undefined): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const hasPlace = await new Promise<boolean>((resume, reject) => {
      const waiter = { resume };
      this.#waiting.add(waiter);
      exchange.onGone(() => {
        if (this.#waiting.delete(waiter)) resume(false);
      });
      if (deadlineMs === undefined) return;
      const onDeadline = (): void => {
        if (this.#waiting.delete(waiter)) reject(notStarted());
      };
      timer = setTimeout(onDeadline, deadlineMs - performance.now());
    }).finally(() => clearTimeout(timer));
    // Reading the requested data is part of the work that is split into turns.
    if (hasPlace) await nextTurn();
    return hasPlace;
  }
}

/** The places of this process. */
export const places = new Places();
