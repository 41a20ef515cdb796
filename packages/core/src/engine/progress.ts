import type { Clock } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Run } from './run.ts';

/**
 * Ops of the transactions that are written before other events get their turn, and as how many a
 * write itself counts.
 */
const SLICE_OPS = 2_000;
const OPS_OF_A_WRITE = 20;

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
    this.#flushSlice([...this.#dirty.values()], 0);
  }

  /** To encode what is due at once may take long: fifty sagas of a thousand steps are 40 ms. */
  #flushSlice(due: readonly Run[], from: number): void {
    let ops = 0;
    for (let i = from; i < due.length; i++) {
      const run = due[i] as Run;
      if (this.#dirty.get(run.id) !== run) continue;
      if (ops > SLICE_OPS) return void this.#clock.setTimer(0, () => this.#flushSlice(due, i));
      ops += OPS_OF_A_WRITE + (run.transaction?.branches.length ?? 0);
      this.#dirty.delete(run.id);
      if (run.phase === 'open') this.#write(run);
    }
  }
}
