import type { Clock, Logger, Timer } from '../environment.ts';
import type { Store } from '../store/store.ts';
import { PacedWarning } from './paced-warning.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';

interface WatcherDependencies {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The runs of this node. */
  readonly runs: () => readonly Run[];
  /** Reads a record again that another node changed. */
  readonly reread: (run: Run) => void;
}

/** Interval between two polls. */
const WATCH_MS = 300;
/** Versions polled at once. If there are more, they take turns. */
const WATCH_BATCH = 2_000;

/**
 * Detects what other nodes did to a transaction that this node drives, while this node has nothing
 * to write that would detect it: for example, while a slow branch is being called, an operator
 * aborts, retries or stops the transaction through another node.
 *
 * WA1 The version of a record is polled if the run was owned through a whole interval without a
 *     write by this node. Transactions of the hot path are never polled.
 * WA2 A record whose version differs from the last one this node wrote is read again. Appended
 *     entries are applied; if another node has decided, the run is dropped.
 */
export class Watcher {
  readonly #d: WatcherDependencies;
  readonly #trouble: PacedWarning;
  #timer: Timer | undefined;
  #stopped = true;
  /** Where the next poll begins, if there are more runs than one batch takes. */
  #turn = 0;

  constructor(dependencies: WatcherDependencies) {
    this.#d = dependencies;
    this.#trouble = new PacedWarning(dependencies, 'commands stored by other nodes could not be checked for');
  }

  start(): void {
    // If no other process can open the store, no other process changes it.
    if (this.#d.store.capabilities.exclusive) return;
    this.#stopped = false;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#d.clock.setTimer(WATCH_MS, () => void this.#watch().finally(() => this.#schedule()));
  }

  async #watch(): Promise<void> {
    const { store, session, reread } = this.#d;
    try {
      const quiet = this.#byTurns(this.#d.runs().filter((run) => run.isQuiet()));
      if (quiet.length === 0 || !session.leaseHeld()) return;
      const known = quiet.map(({ version }) => version);
      const versions = await store.versions(quiet.map(({ key }) => key));
      this.#trouble.succeeded();
      // A later write by this node has already detected any change.
      for (const [i, run] of quiet.entries())
        if (run.phase === 'open' && run.ownership === 'ours' && run.version === known[i]) {
          // An unfinished record is never deleted.
          if (versions[i] === undefined) void session.wentBack();
          else if (isChanged(versions[i], run)) reread(run);
        }
    } catch (error) {
      this.#trouble.failed(error);
    }
  }

  #byTurns(quiet: readonly Run[]): readonly Run[] {
    if (quiet.length <= WATCH_BATCH) return quiet;
    const from = this.#turn % quiet.length;
    this.#turn = from + WATCH_BATCH;
    return [...quiet, ...quiet].slice(from, from + WATCH_BATCH);
  }
}

/** A version older than this node's comes from an outdated read and proves nothing. */
const isChanged = (version: number, run: Run): boolean => version > run.version;
