import { SlotMap } from '../slot-map.ts';
import type { StoredTransaction } from '../store/store.ts';
import { idOf, type Run } from './run.ts';

/**
 * The runs of a node, and how they interact with a claim in flight.
 *
 * E7  A record that this session owns has a run here, which is driven, being released or being read
 *     again (R7), or there is a doubt about it (while the session is alive).
 * RG1 Room for the records that a claim may return is reserved while it is in flight.
 * RG2 A record that left memory at a higher version than the claim returns is not opened again.
 */
export class Registry {
  readonly #onLeft: (run: Run) => void;
  readonly #runs = new SlotMap<Run>();
  #reserved = 0;
  /**
   * Versions of the records that left memory since the claim in flight was sent; undefined if none
   * is in flight.
   */
  #leftSinceClaim: Map<string, number> | undefined;

  /** `onLeft` is called for each run that leaves memory. */
  constructor(onLeft: (run: Run) => void) {
    this.#onLeft = onLeft;
  }

  /** Number of runs in memory. */
  get size(): number {
    return this.#runs.size;
  }

  /** Number of runs in memory, plus those that a claim in flight may add. */
  get taken(): number {
    return this.#runs.size + this.#reserved;
  }

  /** Whether a claim is in flight. */
  get claiming(): boolean {
    return this.#leftSinceClaim !== undefined;
  }

  get(id: string): Run | undefined {
    return this.#runs.get(id);
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  /** Whether the transaction is stored and driven here, so that its end is still to be reported. */
  drives(id: string): boolean {
    const run = this.#runs.get(id);
    return run !== undefined && run.version > 0 && run.isDriving;
  }

  all(): readonly Run[] {
    return this.#runs.values();
  }

  add(run: Run): Run {
    this.#runs.set(run.id, run);
    return run;
  }

  /** Takes a run out of memory. */
  remove(run: Run): void {
    run.leave();
    this.#onLeft(run);
    const left = this.#leftSinceClaim;
    left?.set(run.id, Math.max(run.version, left.get(run.id) ?? 0));
    if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
  }

  /**
   * Adopts the records that the claim returns, except those that left memory at a later version
   * since.
   */
  async claim(
    limit: number,
    claim: () => Promise<readonly StoredTransaction[]>,
    adopt: (records: readonly StoredTransaction[]) => void,
  ): Promise<void> {
    this.#reserved = limit;
    const left = (this.#leftSinceClaim = new Map());
    try {
      const records = await claim();
      adopt(records.filter((record) => record.version >= (left.get(idOf(record.key)) ?? 0)));
    } finally {
      this.#reserved = 0;
      this.#leftSinceClaim = undefined;
    }
  }
}
