import type { Clock, Logger } from '../environment.ts';
import { type Blocked, StoreError } from '../store/store.ts';
import { ABANDONED, type Pending, type WriteResult } from './pending.ts';

interface BlockedWritesDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when blocked items may be sent again. */
  readonly onPauseOver: () => void;
}

interface Known {
  /** When the store first reported the item as blocked, on the monotonic clock. */
  readonly sinceMs: number;
  /** Whether an attempt to write the item had an unknown outcome. */
  readonly doubtful: boolean;
}

/** Between two attempts of a blocked item. */
const PAUSE_MS = 500;
/** How long a caller waits for a blocked item. */
const CALLER_WAITS_MS = 10_000;

/**
 * Items that the store left out of their batch because another client of the database holds a lock
 * on the record, or because the database rejects a change of the record.
 *
 * BW1 A blocked item waits alone, and the later items of its transaction wait behind it. All other
 *     items are written.
 * BW2 A blocked item that a caller waits for fails after `CALLER_WAITS_MS` (and is abandoned if an
 *     earlier attempt may have been applied). A persistent item is sent again until it is no longer
 *     blocked.
 */
export class BlockedWrites {
  readonly #d: BlockedWritesDependencies;
  /** Transactions whose items are held back now. */
  readonly #pausing = new Set<string>();
  readonly #known = new Map<Pending, Known>();
  /** Incremented when everything is abandoned, so that timers set earlier have no effect. */
  #generation = 0;

  constructor(dependencies: BlockedWritesDependencies) {
    this.#d = dependencies;
  }

  /** Number of transactions whose items are held back now. */
  get size(): number {
    return this.#pausing.size;
  }

  /** Whether the items of the transaction are held back now. */
  holds(id: string): boolean {
    return this.#pausing.has(id);
  }

  /** Whether an earlier attempt of one of these items may have been applied. */
  isDoubtful(batch: readonly Pending[]): boolean {
    return this.#known.size > 0 && batch.some((pending) => this.#known.get(pending)?.doubtful === true);
  }

  /**
   * Records a blocked item. Returns its result, or undefined if the item is to be sent again,
   * before other items of its transaction.
   */
  add(pending: Pending, { why }: Blocked, isDoubtful: boolean): WriteResult | undefined {
    const { clock, logger } = this.#d;
    const nowMs = clock.monotonicMs();
    const known = this.#known.get(pending);
    if (known === undefined)
      logger.warn({ gid: pending.item.key.gid, why }, 'a write is blocked in the database; it will be sent again');
    const { sinceMs = nowMs, doubtful = false } = known ?? {};
    if (!pending.persistent && nowMs - sinceMs >= CALLER_WAITS_MS)
      return doubtful || isDoubtful ? ABANDONED : { kind: 'failed', error: new StoreError('unavailable', why) };
    this.#known.set(pending, { sinceMs, doubtful: doubtful || isDoubtful });
    this.#pause(pending.id);
    return undefined;
  }

  #pause(id: string): void {
    const generation = this.#generation;
    this.#pausing.add(id);
    this.#d.clock.setTimer(PAUSE_MS, () => {
      if (generation !== this.#generation) return;
      this.#pausing.delete(id);
      this.#d.onPauseOver();
    });
  }

  /** Forgets an item that has its result. */
  forget(pending: Pending): void {
    if (this.#known.size > 0) this.#known.delete(pending);
  }

  /** Forgets all items: the session that wrote them has ended. */
  clear(): void {
    this.#generation++;
    this.#pausing.clear();
    this.#known.clear();
  }
}
