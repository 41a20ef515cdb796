import { logTextOfThrown } from '@holdfast/protocol';
import type { AlertHook, Clock, Logger } from '../environment.ts';
import type { Store, StoredTransaction, UpdateItem } from '../store/store.ts';
import type { Committer, WriteResult } from './committer.ts';
import { PacedWarning } from './paced-warning.ts';
import { parkedRecord } from './parked-record.ts';
import { putBackRecord } from './put-back-record.ts';
import type { Run } from './run.ts';
import type { Session } from './session.ts';

interface ReleaserDependencies {
  readonly store: Store;
  readonly committer: Committer;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newWriteId: () => string;
  /** Called for a record that this session owns and this version cannot write. */
  readonly onUnwritable: (record: StoredTransaction) => void;
  /** Absent if no hook receives the alert of a parked transaction. */
  readonly alert?: AlertHook;
}

/** One release, until it is durable. */
interface Release {
  readonly run: Run;
  /** Builds the write from the current record; `attempt` is 1 for the first. */
  readonly item: (record: StoredTransaction, attempt: number) => UpdateItem;
  readonly done: Released;
}

/**
 * Called when this session no longer owns the record, with the record before the write; undefined
 * if another node has it or it is gone.
 */
export type Released = (record: StoredTransaction | undefined) => void;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Releases the records of runs that this node does not drive, and retries until that is durable.
 *
 * RL1  Until then the run is `releasing` and stays in memory: no live session owns a record without
 *      a run for it.
 * RL2  Each attempt writes on the version that was read (or claimed) before, so that it never
 *      overwrites another node's decision.
 * RL3  A record older than the run's version proves nothing and is read again. So is a missing
 *      record, for about 13 s: unlike an older version, it may be gone permanently. A record whose
 *      bodies the store cannot return is read again as well.
 * RL4  A record that this version cannot write, although this session owns it, becomes a doubt: it
 *      is read again once another node has changed it.
 */
export class Releaser {
  readonly #d: ReleaserDependencies;
  readonly #trouble: PacedWarning;

  constructor(dependencies: ReleaserDependencies) {
    this.#d = dependencies;
    this.#trouble = new PacedWarning(dependencies, 'transactions could not be released; they are tried again');
  }

  /** Releases a record, parked. The run's phase is `releasing`. */
  park(run: Run, reason: string, done: Released): void {
    const { session, newWriteId, alert } = this.#d;
    const item = (record: StoredTransaction): UpdateItem =>
      parkedRecord(record, reason, { writeId: newWriteId(), nowMs: session.nowMs(), alertDue: alert !== undefined });
    void this.#attempt({ run, item, done }, 1);
  }

  /**
   * Releases a record just claimed, undriven, with its claims kept as suspicion. The run's phase is
   * `releasing`.
   */
  putBack(run: Run, record: StoredTransaction, settings: PutBack, done: Released): void {
    const item = (found: StoredTransaction, attempt: number): UpdateItem =>
      putBackRecord(found, { ...settings, writeId: this.#d.newWriteId(), isShort: attempt > 1 });
    this.#write({ run, item, done }, record, 1);
  }

  async #attempt(release: Release, attempt: number): Promise<void> {
    const { store, session } = this.#d;
    const { run } = release;
    try {
      const [record] = await store.get([run.key]);
      if (run.phase !== 'releasing') return;
      if (record?.damaged !== true && isOutdated(run, record, attempt))
        return this.#again(release, attempt, 'the read was outdated');
      if (record?.owner !== session.id) return release.done(undefined);
      if (record.withoutBodies === true) return this.#again(release, attempt, record.unreadable ?? '');
      if (!isWritable(record)) {
        this.#d.onUnwritable(record);
        return release.done(undefined);
      }
      this.#write(release, record, attempt);
    } catch (error) {
      this.#again(release, attempt, logTextOfThrown(error));
    }
  }

  #write(release: Release, record: StoredTransaction, attempt: number): void {
    const { run } = release;
    const item = release.item(record, attempt);
    this.#d.committer.enqueue(item, run.id, true, (result) => this.#written(release, record, attempt, result));
  }

  #written(release: Release, record: StoredTransaction, attempt: number, result: WriteResult): void {
    if (release.run.phase !== 'releasing') return;
    if (result.kind === 'applied') {
      this.#trouble.succeeded();
      return release.done(record);
    }
    this.#again(release, attempt, result.kind === 'failed' ? result.error.message : result.kind);
  }

  #again(release: Release, attempt: number, why: string): void {
    const { run } = release;
    if (run.phase !== 'releasing') return;
    const pauseMs = pauseMsAfter(attempt);
    this.#trouble.failed(why, { gid: run.key.gid });
    this.#d.clock.setTimer(pauseMs, () => void this.#attempt(release, attempt + 1));
  }
}

/**
 * Whether this version can write the record. A record of a later version is left to nodes of that
 * version; a damaged one can be updated only if its version is known.
 */
const isWritable = ({ unreadable, damaged, version }: StoredTransaction): boolean =>
  unreadable === undefined || (damaged === true && version > 0);

const pauseMsAfter = (attempt: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));

function isOutdated({ version, claimed }: Run, record: StoredTransaction | undefined, attempt: number): boolean {
  const known = Math.max(version, claimed?.version ?? 0);
  return record === undefined ? known > 0 && pauseMsAfter(attempt) < LONGEST_PAUSE_MS : record.version < known;
}

/** How a suspect is released again. */
export interface PutBack {
  /** When it is due. */
  readonly dueInMs: number;
  /** Its claims without progress, except the last. */
  readonly suspicion: number;
}
