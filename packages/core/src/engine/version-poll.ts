import type { TransactionKey } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import type { Store } from '../store/store.ts';
import { PacedWarning } from './paced-warning.ts';

/** A transaction whose changes are of interest to callers of this node. */
export interface Polled {
  readonly key: TransactionKey;
  /** Version of its record when it was last read; undefined: not read yet, or there was none. */
  version: number | undefined;
}

interface VersionPollDependencies<P extends Polled> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The transactions whose versions the next poll may read. */
  readonly polled: () => readonly P[];
  /** Whether another poll is needed, even if the last one had nothing to read. */
  readonly isNeeded: () => boolean;
  /**
   * Called with the transactions whose versions differ from those that were read last, or that have
   * no record any more (`removed`).
   */
  readonly changed: (changed: readonly P[], removed: readonly P[]) => Promise<void> | void;
  /** Describes a failure in the log, such as `the versions could not be read`. */
  readonly failure: string;
}

/** Interval between two polls. */
export const VERSION_POLL_MS = 100;
/** Versions read by one poll. If there are more, they take turns. */
const POLL_BATCH = 2_000;

/**
 * Finds the changes that other nodes make to transactions: polls their versions, which are cheap to
 * read, in one batch for all callers. A poll is bounded, whatever the number of transactions.
 */
export class VersionPoll<P extends Polled> {
  readonly #d: VersionPollDependencies<P>;
  readonly #trouble: PacedWarning;
  #isPolling = false;
  /** Where the next poll begins, if there are more transactions than one poll reads. */
  #turn = 0;

  constructor(dependencies: VersionPollDependencies<P>) {
    this.#d = dependencies;
    this.#trouble = new PacedWarning(dependencies, dependencies.failure);
  }

  /** Polls until no poll is needed. Without effect if that is in progress. */
  start(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#d.clock.setTimer(VERSION_POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    const queried = this.#byTurns(this.#d.polled());
    try {
      if (queried.length > 0) {
        const versions = await this.#d.store.versions(queried.map(({ key }) => key));
        const differing = queried.filter((one, i) => versions[i] !== one.version);
        if (differing.length > 0) {
          const removed = new Set(queried.filter((_, i) => versions[i] === undefined));
          await this.#d.changed(
            differing.filter((one) => !removed.has(one)),
            differing.filter((one) => removed.has(one)),
          );
        }
        this.#trouble.succeeded();
      }
    } catch (error) {
      this.#trouble.failed(error);
    }
    this.#isPolling = false;
    if (this.#d.isNeeded()) this.start();
  }

  #byTurns(all: readonly P[]): readonly P[] {
    if (all.length <= POLL_BATCH) return all;
    const from = this.#turn % all.length;
    this.#turn = from + POLL_BATCH;
    return [...all, ...all].slice(from, from + POLL_BATCH);
  }
}
