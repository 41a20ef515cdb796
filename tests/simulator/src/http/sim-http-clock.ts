import type { Expiring, HttpClock, Timeout } from '@holdfast/branches';
import type { Timer } from '@holdfast/core';
import type { Domain } from '../kernel/agenda.ts';
import type { World } from '../kernel/world.ts';
import type { SimClock } from '../parts/sim-clock.ts';

/** The clock of one node's HTTP client: the node's monotonic clock and timers. */
export class SimHttpClock implements HttpClock {
  readonly #world: World;
  readonly #clock: SimClock;
  readonly #domain: Domain;
  #turns = 0;

  constructor(world: World, clock: SimClock, domain: Domain) {
    this.#world = world;
    this.#clock = clock;
    this.#domain = domain;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  startTimeout(delayMs: number, expiring: Expiring): Timeout {
    return this.#clock.setTimer(delayMs, () => expiring.timeOut());
  }

  cancelTimeout(timeout: Timeout): void {
    (timeout as Timer).cancel();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, callback);
  }

  repeat(intervalMs: number, callback: () => void): Timer {
    let timer: Timer;
    const start = (): void => {
      timer = this.#clock.setTimer(intervalMs, () => {
        callback();
        start();
      });
    };
    start();
    return { cancel: () => timer.cancel() };
  }

  /** After the pieces that arrive at this moment. */
  endOfTurn(callback: () => void): void {
    this.#world.after(
      0,
      () => {
        this.#turns++;
        callback();
      },
      this.#domain,
    );
  }

  turnsCounted(): number {
    return this.#turns;
  }
}
