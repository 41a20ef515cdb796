import { SlotMap } from '../slot-map.ts';
import type { StoredTransaction } from '../store.ts';
import { idOf, type Run } from './run.ts';

/**
 * The runs of a node, and how they cross with a claim in flight.
 *
 * T1  Places that a claim may fill are reserved while it is in flight.
 * T2  A record that left memory at a higher version than the claim returns it with is not opened again.
 */
export class RunTable {
  readonly #runs = new SlotMap<Run>();
  #reserved = 0;
  /** Versions of the records that left memory since the claim in flight was sent; undefined: none is in flight. */
  #leftSinceClaim: Map<string, number> | undefined;

  /** Runs in memory. */
  get size(): number {
    return this.#runs.size;
  }

  /** Runs in memory, and those that a claim in flight may add. */
  get taken(): number {
    return this.#runs.size + this.#reserved;
  }

  /** A claim is in flight. */
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

  /** Adopts what the claim returns, without the records that this node is through with already. */
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
