import { logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import type { Store, StoredTransaction } from '../store/store.ts';
import type { Commands } from './commands.ts';
import type { DamagedRecords } from './damaged-records.ts';
import type { Departures } from './departures.ts';
import type { EffectRunner } from './effects.ts';
import { unavailable, unknownGid, unreadableRecord } from './errors.ts';
import type { ProgressWriter } from './progress.ts';
import { type Decision, reconcile } from './reconcile.ts';
import type { Registry } from './registry.ts';
import type { Replies } from './replies.ts';
import { Run } from './run.ts';
import { ownsRecord } from './run-write.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import type { UnreadRecords } from './unread-records.ts';

interface ReloaderDependencies {
  readonly store: Store;
  readonly session: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly effects: EffectRunner;
  readonly progress: ProgressWriter;
  readonly unread: UnreadRecords;
  readonly departures: Departures;
  readonly commands: Pick<Commands, 'again'>;
  readonly damaged: () => Pick<DamagedRecords, 'found'>;
  readonly runner: () => Pick<Runner, 'work'>;
}

const RELOAD_PAUSE_MS = 100;
/** Interval at which a record is read again whose bodies the store cannot return. */
const UNREAD_PAUSE_MS = 10_000;

/**
 * Reads the records of runs, and carries out what `reconcile` decides about a record that was read
 * or claimed. Has no state: a run that is read is `loading`.
 */
export class Reloader {
  readonly #d: ReloaderDependencies;

  constructor(dependencies: ReloaderDependencies) {
    this.#d = dependencies;
  }

  /**
   * Reads the record of a run again. Another node changed the record while the run waited only for
   * its calls.
   */
  reread(run: Run): void {
    run.load();
    void this.reload(run);
  }

  /** Reads the record of a run that is `loading`; another run is left alone. */
  async reload(run: Run): Promise<void> {
    const { store, unread, departures } = this.#d;
    if (run.phase !== 'loading') return;
    const known = run.queue.length;
    try {
      const [record] = await store.get([run.key]);
      if (run.phase !== 'loading') return;
      if (record === undefined && !ownsRecord(run) && run.claimed === undefined && run.queue.length > known)
        return this.#readAgain(run, known);
      this.reconcile(run, record);
    } catch (error) {
      if (run.phase !== 'loading') return;
      if (!ownsRecord(run) && run.claimed === undefined && !unread.has(run))
        return departures.drop(run, unavailable(run.key, `the store could not be read (${logTextOfThrown(error)})`));
      this.reloadLater(run);
    }
  }

  /** Reads the record of a run that is `loading`, after a pause. */
  reloadLater(run: Run, pauseMs = RELOAD_PAUSE_MS): void {
    this.#d.clock.setTimer(pauseMs, () => void this.reload(run));
  }

  /**
   * There was no record when a read began. Events that came later may be those of a caller that
   * has created the record since then: a second read decides about them.
   */
  #readAgain(run: Run, known: number): void {
    for (const { reply } of run.takeQueue(known)) this.#d.replies.failed(reply, unknownGid(run.key.gid));
    void this.reload(run);
  }

  /** Decides about a run and the record that was read or claimed; undefined: there is no record. */
  reconcile(run: Run, record: StoredTransaction | undefined): void {
    const { session, registry, departures } = this.#d;
    try {
      const self = { session: session.id, leaseHeld: session.leaseHeld(), claiming: registry.claiming };
      this.#carryOut(run, reconcile(run, record, self));
    } catch (error) {
      departures.fail(run, error);
    }
  }

  #carryOut(run: Run, decision: Decision): void {
    const { departures, unread, progress, runner, damaged } = this.#d;
    switch (decision.kind) {
      case 'gone':
        return departures.drop(run, unknownGid(run.key.gid));
      case 'stale':
        run.load();
        return this.reloadLater(run);
      case 'merge':
        unread.remove(run);
        run.merge(decision, decision.queue);
        if (run.queue.length === 0) progress.mark(run);
        return runner().work(run);
      case 'drop run':
        return this.#drop(run, decision);
      case 'open':
        unread.remove(run);
        run.open(decision.opened, decision.opened.queue);
        return runner().work(run);
      case 'without bodies':
        return this.#awaitBodies(run, decision);
      case 'unreadable':
        return damaged().found(run, decision);
    }
  }

  /** Drops the run: another node decided about its transaction (R3). */
  #drop(run: Run, { record, reopen, claimed, queue }: Extract<Decision, { kind: 'drop run' }>): void {
    const { logger, registry, effects, commands } = this.#d;
    const { version, owner } = record;
    logger.info({ gid: run.key.gid, version, owner }, 'run dropped: another node changed the transaction');
    run.sawVersion(version);
    run.takeQueue();
    registry.remove(run);
    effects.replyEarly(run);
    if (reopen) this.reconcile(registry.add(Run.ofStored(run.key, claimed ? record : undefined, run.id)), record);
    commands.again(run, queue);
  }

  /** Events of callers are rejected; results of branches wait for the record (R7). */
  #awaitBodies(run: Run, { record, error }: Extract<Decision, { kind: 'without bodies' }>): void {
    const { unread, replies } = this.#d;
    unread.add(run, error);
    const queue = run.takeQueue();
    run.requeue(queue.filter(({ reply }) => reply === undefined));
    for (const { reply, event } of queue) replies.failed(reply, unreadableRecord(record, error, event.kind));
    run.load();
    this.reloadLater(run, UNREAD_PAUSE_MS);
  }
}
