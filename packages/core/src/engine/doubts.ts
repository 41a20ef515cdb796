import { type TransactionKey, logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger, Timer } from '../environment.ts';
import type { SessionId, Store, StoredTransaction } from '../store/store.ts';
import { idOf } from './run.ts';

interface DoubtsDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly session: () => SessionId;
  /**
   * Whether a run has the transaction. Such a run finds out on its own whether this session owns
   * the record.
   */
  readonly hasRun: (id: string) => boolean;
  /** Called when this session owns a record that no run drives. */
  readonly onOwned: (record: StoredTransaction) => void;
}

interface Doubt {
  readonly key: TransactionKey;
  /** The version that the write expected; 0 for an insert. */
  readonly version: number;
}

/** At most this number of doubts is kept; the store is polled about all of them at once. */
const MAX_DOUBTS = 500;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Records that this session may own after a write whose outcome stayed unknown, while no run drives
 * them.
 *
 * DB1 Such a write may still arrive until the record has a later version than the write expected,
 *     so the store is polled.
 * DB2 A doubt ends when the record has a later version and no run has the transaction. If this
 *     session then owns the record, it is resumed.
 * DB3 The number of doubts is bounded. If another doubt cannot be kept, the session must end.
 */
export class Doubts {
  readonly #d: DoubtsDependencies;
  readonly #doubts = new Map<string, Doubt>();
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(dependencies: DoubtsDependencies) {
    this.#d = dependencies;
  }

  /** Number of current doubts. */
  get size(): number {
    return this.#doubts.size;
  }

  /** Keeps a doubt. Returns false if there are too many (DB3). */
  add(key: TransactionKey, version: number): boolean {
    const id = idOf(key);
    // With two writes, the doubt lasts until a version later than both expected.
    if (this.#doubts.size >= MAX_DOUBTS && !this.#doubts.has(id)) return false;
    this.#doubts.set(id, { key, version: Math.max(version, this.#doubts.get(id)?.version ?? 0) });
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#schedule();
    return true;
  }

  /** The session has ended: a write that arrives now is released by the next takeover. */
  clear(): void {
    this.#doubts.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#doubts.size === 0) return;
    this.#timer = this.#d.clock.setTimer(this.#pauseMs, () => void this.#poll());
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  async #poll(): Promise<void> {
    this.#timer = undefined;
    const { store, logger, hasRun } = this.#d;
    const open = [...this.#doubts].filter(([id]) => !hasRun(id));
    try {
      const versions = await store.versions(open.map(([, { key }]) => key));
      for (const [i, [id, doubt]] of open.entries())
        if ((versions[i] ?? 0) > doubt.version && !hasRun(id)) await this.#end(id, doubt);
    } catch (error) {
      logger.warn({ doubts: open.length, error: logTextOfThrown(error) }, 'could not look up the outcome of writes');
    }
    this.#schedule();
  }

  async #end(id: string, doubt: Doubt): Promise<void> {
    const [record] = await this.#d.store.get([doubt.key]);
    // The read was outdated, or another doubt was added since; the next poll decides.
    if (record === undefined || record.version <= doubt.version) return;
    if (this.#doubts.get(id) !== doubt || this.#d.hasRun(id)) return;
    this.#doubts.delete(id);
    if (record.owner === this.#d.session()) this.#d.onOwned(record);
  }
}
