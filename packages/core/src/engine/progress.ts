import type { Clock } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Run } from './run.ts';

/**
 * Ops of the transactions written before other events are processed, and the overhead in ops that
 * each write adds.
 */
const SLICE_OPS = 2_000;
const OPS_OF_A_WRITE = 20;

/** Writes progress that no decision has written, at most `flushMs` after it was made. */
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

  /** Notes that the run has unwritten progress. */
  mark(run: Run): void {
    this.#dirty.set(run.id, run);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.setTimer(this.#flushMs, () => this.#flush());
  }

  /** Forgets the run: a write of it is in flight, or the run has left memory. */
  clear(run: Run): void {
    this.#dirty.delete(run.id);
  }

  #flush(): void {
    this.#isScheduled = false;
    this.#flushSlice([...this.#dirty.values()], 0);
  }

  /**
   * Writes in slices, because encoding everything at once may take long: 40 ms for fifty sagas of a
   * thousand steps.
   */
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
