import type { Clock, Logger, Timer } from '../environment.ts';
import type { Store } from '../store.ts';
import { PacedWarning } from './paced-warning.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';

interface WatcherDependencies {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What this node holds. */
  readonly runs: () => readonly Run[];
  /** Reads a record again: somebody else changed it. */
  readonly reread: (run: Run) => void;
}

/** How often it looks. */
const WATCH_MS = 300;
/** Versions asked for at once. Of more, each gets its turn. */
const WATCH_BATCH = 2_000;

/**
 * Notices what other nodes did to a transaction that this one drives, when this one has nothing to write that would tell: a slow branch is being called, and
 * meanwhile an operator told another node to abort, retry or stop it.
 *
 * W1  A transaction that was held through a whole interval without a write of this node is asked about; those of the hot path never are.
 * W2  One whose version is not the one that this node wrote is read again: what was added is heeded, and one that somebody else decided about is let go.
 */
export class Watcher {
  readonly #d: WatcherDependencies;
  readonly #trouble: PacedWarning;
  #timer: Timer | undefined;
  #stopped = true;
  /** Where the next turn begins, when there are more than one batch takes. */
  #turn = 0;

  constructor(dependencies: WatcherDependencies) {
    this.#d = dependencies;
    this.#trouble = new PacedWarning(dependencies, 'commands stored by other nodes could not be checked for');
  }

  start(): void {
    // Where nobody else can open the store, nobody else changes it.
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
      const quiet = this.#byTurns(this.#d.runs().filter(isQuiet));
      if (quiet.length === 0 || !session.leaseHeld()) return;
      const asked = quiet.map(({ version }) => version);
      const versions = await store.versions(quiet.map(({ key }) => key));
      this.#trouble.succeeded();
      // A write of this node's own that came meanwhile tells all there is to know.
      for (const [i, run] of quiet.entries())
        if (run.phase === 'open' && run.ownership === 'ours' && run.version === asked[i]) {
          // What is unfinished is never deleted.
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

/** Held since the last look, with nothing written. */
function isQuiet(run: Run): boolean {
  if (run.ownership !== 'ours' || run.phase !== 'open') return false;
  const quiet = run.watchedVersion === run.version;
  run.watchedVersion = run.version;
  return quiet;
}

/** An answer older than what this node knows says nothing. */
const isChanged = (version: number, run: Run): boolean => version > run.version;
