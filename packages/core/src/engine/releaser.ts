import type { Clock, Logger } from '../environment.ts';
import type { Store, StoredTransaction } from '../store.ts';
import type { Committer, WriteResult } from './committer.ts';
import { parkedRecord } from './parked-record.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';

interface ReleaserDependencies {
  readonly store: Store;
  readonly committer: Committer;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newWriteId: () => string;
  /** The record is not this session's any more. Undefined: another node has it, or it is gone. */
  readonly onReleased: (run: Run, parked: StoredTransaction | undefined, reason: string) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Releases the records of runs that this node cannot drive, parked, and tries until that is durable.
 *
 * RL1  Until then the run is `releasing` and stays in memory: no record is owned by a live session that does not know
 *      of it.
 * RL2  Each attempt reads the record and writes on that version, so that it never overwrites another node's decision.
 */
export class Releaser {
  readonly #d: ReleaserDependencies;

  constructor(dependencies: ReleaserDependencies) {
    this.#d = dependencies;
  }

  /** Begins; the run's phase is `releasing`. */
  release(run: Run, reason: string): void {
    void this.#attempt(run, reason, FIRST_PAUSE_MS);
  }

  async #attempt(run: Run, reason: string, pauseMs: number): Promise<void> {
    const { store, session, committer } = this.#d;
    try {
      const [record] = await store.get([run.key]);
      if (run.phase !== 'releasing') return;
      // What a later version wrote is for its nodes.
      if (record?.owner !== session.id || record.unreadable !== undefined)
        return this.#d.onReleased(run, undefined, reason);
      const item = parkedRecord(record, reason, this.#d.newWriteId(), session.nowMs());
      committer.enqueue(item, run.id, true, (result) => this.#written(run, record, reason, pauseMs, result));
    } catch (error) {
      this.#again(run, reason, pauseMs, String(error));
    }
  }

  #written(run: Run, record: StoredTransaction, reason: string, pauseMs: number, result: WriteResult): void {
    if (run.phase !== 'releasing') return;
    if (result.kind === 'applied') return this.#d.onReleased(run, record, reason);
    this.#again(run, reason, pauseMs, result.kind === 'failed' ? result.error.message : result.kind);
  }

  #again(run: Run, reason: string, pauseMs: number, why: string): void {
    if (run.phase !== 'releasing') return;
    this.#d.logger.error({ gid: run.key.gid, why, pauseMs }, 'a transaction could not be released; trying again');
    const nextMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    this.#d.clock.setTimer(pauseMs, () => void this.#attempt(run, reason, nextMs));
  }
}
