import type { Clock, Timer } from '@holdfast/core';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import { storeTimeAt } from './store-time.ts';

/** By rounding, a timer may fire early by this time. */
const ROUNDING_MS = 1e-3;

/**
 * One node's clocks. The monotonic clock drifts, has a random start, and its timers may be slightly
 * late. The monotonic clock continues while the node is paused, but stops while the machine is
 * suspended. The wall clock does not drift, but may be set.
 */
export class SimClock implements Clock {
  /** Milliseconds of this clock per simulated one. */
  readonly rate: number;
  readonly #world: World;
  readonly #random: Random;
  readonly #domain: Domain;
  #offsetMs: number;
  #wallAheadMs = 0;

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

  wallMs(): number {
    return storeTimeAt(this.#world.nowMs) + this.#wallAheadMs;
  }

  /** The machine was suspended for that time: the monotonic clock did not advance. */
  stoodStill(durationMs: number): void {
    this.#offsetMs -= durationMs * this.rate;
  }

  /** Sets the wall clock to the correct time plus some ms, which may be negative. */
  setWall(aheadMs: number): void {
    this.#wallAheadMs = aheadMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const lateMs = this.#random.chance(0.1) ? this.#random.delayMs(2) : 0;
    const dueAtMs = this.monotonicMs() + Math.max(0, delayMs);
    const wait = (byMs: number): Timer => this.#world.after(byMs, fire, this.#domain);
    // After a suspension of the machine, the monotonic clock has not reached the due time yet.
    const fire = (): void => {
      const leftMs = (dueAtMs - this.monotonicMs()) / this.rate;
      if (leftMs > ROUNDING_MS) timer = wait(leftMs);
      else callback();
    };
    let timer = wait(Math.max(0, delayMs) / this.rate + lateMs);
    return { cancel: () => timer.cancel() };
  }

  endOfTurn(callback: () => void): void {
    void Promise.resolve().then(callback);
  }
}
