import { SlotMap } from '../slot-map.ts';
import type { StoredTransaction } from '../store/store.ts';
import { idOf, type Run } from './run.ts';

/**
 * The runs of a node, and how they interact with a claim in flight.
 *
 * T1  Room for the records that a claim may return is reserved while it is in flight.
 * T2  A record that left memory at a higher version than the claim returns is not opened again.
 */
export class RunTable {
  readonly #runs = new SlotMap<Run>();
  #reserved = 0;
  /**
   * Versions of the records that left memory since the claim in flight was sent; undefined if none
   * is in flight.
   */
  #leftSinceClaim: Map<string, number> | undefined;

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

  all(): readonly Run[] {
    return this.#runs.values();
  }

  add(run: Run): Run {
    this.#runs.set(run.id, run);
    return run;
  }

  remove(run: Run): void {
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
