import type { Clock, Timer } from '@holdfast/core';

/** The wall clocks do not start at 0. */
export const EPOCH_MS = 1_700_000_000_000;

/** The time of a model: one clock for the store and both nodes. */
export interface ModelTime {
  nowMs: number;
}

/** A timer that waits until the explorer fires it. */
export interface PendingTimer {
  readonly atMs: number;
  readonly delayMs: number;
  readonly callback: () => void;
}

/**
 * The clock of one part of a node. Each part has its own, so that the explorer knows whose timer
 * it fires. A timer fires when the explorer chooses, and time moves to its moment if need be.
 */
export class ManualClock implements Clock {
  readonly #time: ModelTime;
  readonly #timers = new Set<PendingTimer>();

  constructor(time: ModelTime) {
    this.#time = time;
  }

  /** Earliest first. */
  get pending(): readonly PendingTimer[] {
    return [...this.#timers].sort((a, b) => a.atMs - b.atMs);
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  wallMs(): number {
    return EPOCH_MS + this.#time.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#time.nowMs + Math.max(0, delayMs), delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  endOfTurn(callback: () => void): void {
    void Promise.resolve().then(callback);
  }

  /** Fires a timer. `early`: although its moment has not come (a hint moved it, or it polls). */
  fire(timer: PendingTimer | undefined, early = false): void {
    if (timer === undefined || !this.#timers.delete(timer)) return;
    if (!early) this.#time.nowMs = Math.max(this.#time.nowMs, timer.atMs);
    timer.callback();
  }
}
