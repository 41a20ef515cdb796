import type { Clock, Timer } from '@holdfast/core';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';

/** One node's clock: it drifts, starts anywhere, and its timers may be a little late. It goes on while the node is paused. */
export class SimClock implements Clock {
  /** How many of its milliseconds pass in a simulated one. */
  readonly rate: number;
  readonly #world: World;
  readonly #random: Random;
  readonly #domain: Domain;
  readonly #offsetMs: number;

  constructor(world: World, random: Random, domain: Domain) {
    this.#world = world;
    this.#random = random;
    this.#domain = domain;
    this.rate = random.between(0.95, 1.05);
    this.#offsetMs = random.between(0, 1e6);
  }

  monotonicMs(): number {
    return this.#offsetMs + this.#world.nowMs * this.rate;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const lateMs = this.#random.chance(0.1) ? this.#random.delayMs(2) : 0;
    return this.#world.after(Math.max(0, delayMs) / this.rate + lateMs, callback, this.#domain);
  }

  endOfTurn(callback: () => void): void {
    void Promise.resolve().then(callback);
  }
}
