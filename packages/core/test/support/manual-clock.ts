import type { Clock, Timer } from '../../src/index.ts';

/**
 * Promises settle in chains; this number of turns of the microtask queue is enough for the longest
 * chain between two timers.
 */
const SETTLE_TURNS = 200;

/** Lets everything happen that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
}

interface Entry {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that moves only when the test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  /** What the wall clock shows beyond the monotonic clock. */
  #wallAheadMs = 1_700_000_000_000;
  readonly #timers = new Set<Entry>();

  constructor(startMs = 5_000_000) {
    this.#nowMs = startMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallAheadMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  endOfTurn(callback: () => void): void {
    void Promise.resolve().then(callback);
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** How long until the next timer; Infinity: none is set. */
  get nextInMs(): number {
    return Math.min(...[...this.#timers].map((entry) => entry.atMs)) - this.#nowMs;
  }

  /** Moves time, running each timer at its moment, in order, with what it sets off. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Moves time at once: the process was paused. Timers that are due run with the next `advance`.
   */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Moves the wall clock alone: it was set, or the machine was suspended. */
  moveWall(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  /** The earliest timer until then; one that was due during a jump runs now. */
  #next(untilMs: number): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of this.#timers)
      if (entry.atMs <= untilMs && (next === undefined || entry.atMs < next.atMs)) next = entry;
    return next;
  }
}
