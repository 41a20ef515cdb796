import { isFinal } from '@holdfast/protocol';
import type { UnreadableRecord } from '../codec/frame.ts';
import type { EngineObserver } from '../observer.ts';
import type { Transaction } from '../patterns/model.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { Commands } from './commands.ts';
import type { Committer } from './committer.ts';
import type { Delivery } from './delivery.ts';
import type { Departures } from './departures.ts';
import { notStored, unavailable, unreadableRecord } from './errors.ts';
import { type Decision, MAX_CONFLICTS } from './reconcile.ts';
import { withoutBranches } from './records.ts';
import type { Registry } from './registry.ts';
import type { Reloader } from './reload.ts';
import type { Replies } from './replies.ts';
import type { Run } from './run.ts';
import { observeWrite } from './run-write.ts';
import type { Session } from './session.ts';
import { stoppedRecord } from './stopped-record.ts';
import type { UnreadableLog } from './unreadable-log.ts';

interface DamagedRecordsDependencies {
  readonly session: Session;
  readonly committer: Committer;
  readonly observer: EngineObserver;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly log: UnreadableLog;
  readonly departures: Departures;
  readonly reloader: Pick<Reloader, 'reloadLater'>;
  readonly commands: Pick<Commands, 'again'>;
  readonly newWriteId: () => string;
  /** Called when a final status became durable. */
  readonly onFinal: (id: string) => void;
}

/**
 * Leaves records that this version cannot read unchanged (R7), unless an operator force-stops a
 * damaged one. Has no state: a run whose force-stop is being written is `stopping`.
 */
export class DamagedRecords {
  readonly #d: DamagedRecordsDependencies;

  constructor(dependencies: DamagedRecordsDependencies) {
    this.#d = dependencies;
  }

  /** Handles a run whose record was found unreadable. */
  found(run: Run, { record, owned, error }: Extract<Decision, { kind: 'unreadable' }>): void {
    const { log, replies, departures } = this.#d;
    log.met(run.id, run.key.gid, error);
    run.sawVersion(record.version);
    const stops: Delivery[] = [];
    for (const delivery of run.takeQueue()) {
      if (delivery.event.kind === 'stop' && isStoppable(record, error)) stops.push(delivery);
      else replies.failed(delivery.reply, unreadableRecord(record, error, delivery.event.kind));
    }
    const failure = unreadableRecord(record, error, 'resumed');
    if (owned) departures.release(run, failure);
    else if (stops.length === 0) return departures.drop(run, failure);
    // After the release, which fails everything queued: a stop is delivered again once the record
    // is released.
    run.requeue(stops);
    if (!owned) this.#stop(run, record, error);
  }

  #stop(run: Run, record: StoredTransaction, error: UnreadableRecord): void {
    const { session, committer, departures, reloader, newWriteId } = this.#d;
    const event = run.queue[0]?.event;
    const settings = { writeId: newWriteId(), nowMs: session.nowMs(), why: error.message };
    const { item, state } = stoppedRecord(record, event?.kind === 'stop' ? event : { reason: '' }, settings);
    run.stop();
    committer.enqueue(item, run.id, false, (result) => {
      if (run.phase === 'gone') return;
      switch (result.kind) {
        case 'applied':
          return this.#stopped(run, withoutBranches(record, state));
        case 'conflict':
        case 'missing':
          if (run.stopLost() >= MAX_CONFLICTS)
            return departures.drop(run, unavailable(run.key, 'too many other writers change the record'));
          return reloader.reloadLater(run);
        case 'failed':
          return departures.drop(run, notStored(run.key, result.error));
        case 'abandoned':
          return departures.drop(run, unavailable(run.key, 'whether it was stored is not known'));
      }
    });
  }

  #stopped(run: Run, transaction: Transaction): void {
    const { registry, replies, commands, onFinal } = this.#d;
    const [first, ...later] = run.takeQueue();
    registry.remove(run);
    observeWrite(this.#d, transaction, false);
    replies.done(first?.reply, transaction);
    onFinal(run.id);
    commands.again(run, later);
  }
}

/** A record of a later format is left to nodes of that version. */
const isStoppable = ({ status }: StoredTransaction, { isLater }: UnreadableRecord): boolean =>
  !isLater && !isFinal(status);
