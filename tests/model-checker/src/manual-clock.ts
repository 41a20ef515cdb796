import type { Clock, Timer } from '@holdfast/core';

/** Wall clocks do not start at 0. */
export const EPOCH_MS = 1_700_000_000_000;

/** The time of a model: one clock for the store and both nodes. */
export interface ModelTime {
  nowMs: number;
}

/** A timer that waits for the explorer to fire it. */
export interface PendingTimer {
  readonly atMs: number;
  readonly delayMs: number;
  readonly callback: () => void;
}

/**
 * The clock of one part of a node. Each part has a separate one, so that the explorer can
 * distinguish their timers. A timer fires when the explorer chooses, and time advances to its due
 * time if necessary.
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

  /** Fires a timer. `early`: before its due time (a hint moved it, or it polls). */
  fire(timer: PendingTimer | undefined, early = false): void {
    if (timer === undefined || !this.#timers.delete(timer)) return;
    if (!early) this.#time.nowMs = Math.max(this.#time.nowMs, timer.atMs);
    timer.callback();
  }
}
