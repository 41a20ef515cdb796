import type { Clock } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Run } from './run.ts';

/** Writes progress that no decision has written, at the latest `flushMs` after it was made. */
export class ProgressWriter {
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #write: (run: Run) => void;
  readonly #dirty = new SlotMap<Run>();
  #isScheduled = false;

  constructor(clock: Clock, flushMs: number, write: (run: Run) => void) {
    this.#clock = clock;
    this.#flushMs = flushMs;
    this.#write = write;
  }

  /** The run has progress that is not written. */
  mark(run: Run): void {
    this.#dirty.set(run.id, run);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.setTimer(this.#flushMs, () => this.#flush());
  }

  /** A write of the run is in flight, or the run is gone. */
  clear(run: Run): void {
    this.#dirty.delete(run.id);
  }

  #flush(): void {
    this.#isScheduled = false;
    for (const run of this.#dirty.values()) {
      this.#dirty.delete(run.id);
      if (run.phase === 'open') this.#write(run);
    }
  }
}
