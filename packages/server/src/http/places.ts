import { HoldfastError } from '@holdfast/protocol';
import type { Exchange } from './exchange.ts';
import { nextTurn } from './json-text.ts';

/**
 * Requests for responses of any length that are served at the same time: each response may need
 * megabytes.
 */
const PLACES = 16;
/** Requests that wait for a place. */
const LONGEST_QUEUE = 1_000;

interface Waiter {
  /** Called with true: the waiter has a place. */
  readonly resume: (hasPlace: boolean) => void;
}

/**
 * Bounds how many responses of any length are under way, and so their memory. The other requests
 * wait in their order.
 */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<Waiter>();

  /** Whether requests wait. */
  get areAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Takes a place for a request; the caller gives it back with `leave`. Returns undefined when a
   * place is free, otherwise a promise: of true when the request has one, of false when the client
   * has hung up. Throws `overloaded` when too many wait.
   */
  enter(exchange: Exchange): Promise<boolean> | undefined {
    if (this.#taken < PLACES) {
      this.#taken++;
      return undefined;
    }
    if (this.#waiting.size >= LONGEST_QUEUE)
      throw new HoldfastError('overloaded', 'too many requests wait for long responses to be sent; ask again later');
    return this.#wait(exchange);
  }

  /** Gives a place back: the request that has waited longest takes it. */
  leave(): void {
    const [first] = this.#waiting;
    if (first === undefined) return void this.#taken--;
    this.#waiting.delete(first);
    first.resume(true);
  }

  async #wait(exchange: Exchange): Promise<boolean> {
    const hasPlace = await new Promise<boolean>((resume) => {
      const waiter = { resume };
      this.#waiting.add(waiter);
      exchange.onGone(() => {
        if (this.#waiting.delete(waiter)) resume(false);
      });
    });
    // To read what is asked for is part of the work that shares the turns.
    if (hasPlace) await nextTurn();
    return hasPlace;
  }
}

/** Those of this process. */
export const places = new Places();
