import type { Clock, Logger } from '../environment.ts';
import { type Blocked, StoreError } from '../store.ts';
import { ABANDONED, type Pending, type WriteResult } from './pending.ts';

interface BlockedWritesDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Items may be sent again. */
  readonly onPauseOver: () => void;
}

interface Known {
  /** When the store first blocked it, on the monotonic clock. */
  readonly sinceMs: number;
  /** An attempt had an unknown outcome. */
  readonly doubtful: boolean;
}

/** Between two attempts of a blocked item. */
const PAUSE_MS = 500;
/** How long a caller waits for a blocked item. */
const CALLER_WAITS_MS = 10_000;

/**
 * Items that the store left out of their batch: another client of the database has the record
 * locked, or the database refuses to change it.
 *
 * BW1 Such an item waits alone, and the later items of its transaction after it. Everything else is
 *     written.
 * BW2 An item that a caller waits for fails after some seconds (and is abandoned when an earlier
 *     attempt may have been applied). A persistent one is sent again until it is not blocked.
 */
export class BlockedWrites {
  readonly #d: BlockedWritesDependencies;
  /** Transactions whose items are not sent now. */
  readonly #pausing = new Set<string>();
  readonly #known = new Map<Pending, Known>();
  /** Grows when everything is abandoned. */
  #generation = 0;

  constructor(dependencies: BlockedWritesDependencies) {
    this.#d = dependencies;
  }

  /** Transactions of which nothing is sent now. */
  get size(): number {
    return this.#pausing.size;
  }

  /** Nothing of the transaction is sent now. */
  holds(id: string): boolean {
    return this.#pausing.has(id);
  }

  /** An earlier attempt of one of these may have been applied. */
  isDoubtful(batch: readonly Pending[]): boolean {
    return this.#known.size > 0 && batch.some((pending) => this.#known.get(pending)?.doubtful === true);
  }

  /**
   * Notes a blocked item. Returns its result; undefined: it is to be sent again, before others of
   * its transaction.
   */
  add(pending: Pending, { why }: Blocked, isDoubtful: boolean): WriteResult | undefined {
    const { clock, logger } = this.#d;
    const nowMs = clock.monotonicMs();
    const known = this.#known.get(pending);
    if (known === undefined)
      logger.warn({ gid: pending.item.key.gid, why }, 'a write is blocked in the database; it is sent again');
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

  /** The item has its result. */
  forget(pending: Pending): void {
    this.#known.delete(pending);
  }

  /** Everything is abandoned: the session that wrote it has ended. */
  clear(): void {
    this.#generation++;
    this.#pausing.clear();
    this.#known.clear();
  }
}
