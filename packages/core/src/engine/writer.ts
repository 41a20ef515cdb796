import { isFinal } from '@holdfast/protocol';
import type { Logger } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import { cleared } from '../patterns/suspicion.ts';
import type { Adoption } from './adoption.ts';
import type { Commands } from './commands.ts';
import type { Committer, WriteResult } from './committer.ts';
import { ownershipAfter } from './deliver.ts';
import type { Departures } from './departures.ts';
import type { Doubts } from './doubts.ts';
import type { EffectRunner } from './effects.ts';
import type { EngineOptions } from './engine-options.ts';
import { internal, notStored, unavailable } from './errors.ts';
import type { ProgressWriter } from './progress.ts';
import { type AfterWrite, afterWrite } from './reconcile.ts';
import type { Registry } from './registry.ts';
import type { Reloader } from './reload.ts';
import type { Replies } from './replies.ts';
import type { Run } from './run.ts';
import type { Cause, Writing } from './run-state.ts';
import { hasWentBack, observeWrite, ownsRecord } from './run-write.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { writeItem } from './write-item.ts';

interface WriterDependencies {
  readonly session: Session;
  readonly committer: Committer;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  readonly options: EngineOptions;
  readonly registry: Registry;
  readonly replies: Replies;
  readonly effects: EffectRunner;
  readonly progress: ProgressWriter;
  readonly doubts: Doubts;
  readonly departures: Departures;
  readonly adoption: Pick<Adoption, 'take'>;
  readonly reloader: Pick<Reloader, 'reload' | 'reloadLater'>;
  readonly commands: Pick<Commands, 'again'>;
  readonly runner: () => Pick<Runner, 'work'>;
  readonly newWriteId: () => string;
  /** Called when a transaction was written with this due time. */
  readonly onReleased: (dueInMs: number) => void;
  /** Called when a final status became durable. */
  readonly onFinal: (id: string) => void;
}

/**
 * Writes the transactions of runs, and carries out what `afterWrite` returns for the result. Has no
 * state; a write in flight is the state of its run.
 *
 * E3  A write that loses against another writer is discarded: the record is read again, and
 *     `reconcile` decides.
 */
export class Writer {
  readonly #d: WriterDependencies;

  constructor(dependencies: WriterDependencies) {
    this.#d = dependencies;
  }

  /**
   * Writes progress. The node has survived the progress-flush interval with this transaction, so
   * that the transaction is no longer suspected of crashing nodes.
   */
  flush(run: Run): void {
    try {
      if (run.transaction !== undefined) run.stepped(cleared(run.transaction));
      this.write(run, undefined);
    } catch (error) {
      this.#d.departures.fail(run, error);
    }
  }

  /** Writes the run's transaction; the effects of `cause` follow when the write is applied. */
  write(run: Run, cause: Cause | undefined): void {
    const { session, committer, progress, replies, newWriteId } = this.#d;
    try {
      const { transaction } = run;
      if (transaction === undefined) throw new Error('nothing to write');
      const mayOwn = run.ownership === 'ours' || this.#mayDrive(run);
      const wakeAtMs = cause?.effects.wakeAtMs ?? null;
      const nowMs = wakeAtMs === null ? 0 : session.nowMs();
      const { hold, dueInMs } = ownershipAfter(transaction, wakeAtMs, nowMs, mayOwn);
      const writeId = newWriteId();
      const item = writeItem(run, transaction, { writeId, owner: hold ? session.id : null, dueInMs });
      const writing = run.write(cause, hold, dueInMs, writeId);
      progress.clear(run);
      committer.enqueue(item, run.id, ownsRecord(run), (result) => this.#written(run, writing, result));
    } catch (error) {
      replies.failed(cause?.delivery.reply, internal(run.key, error));
      throw error;
    }
  }

  /**
   * Whether this node may own the record: within the bound of work in progress, with a held lease,
   * and hosting the functions that the run's `local://` branches name.
   */
  #mayDrive({ group }: Run): boolean {
    const { session, options, registry, doubts } = this.#d;
    const hosted = group === '' || options.groups.includes(group);
    return hosted && session.leaseHeld() && registry.taken + doubts.size <= options.maxInProgress;
  }

  #written(run: Run, writing: Writing, result: WriteResult): void {
    const { replies, session, observer, departures } = this.#d;
    const reply = writing.cause?.delivery.reply;
    if (run.phase === 'gone') return replies.failed(reply, unavailable(run.key, 'this node lost its session'));
    // The run is left unchanged: its record is restored, and the run is dropped with the session.
    if (hasWentBack(run, writing, result)) {
      replies.failed(reply, unavailable(run.key, 'the store has lost acknowledged writes'));
      return void session.wentBack();
    }
    try {
      const next = afterWrite(run, { hold: writing.hold, isAwaited: reply !== undefined }, result);
      switch (next.kind) {
        case 'applied':
          return this.#applied(run, writing, next.version);
        case 'again':
          observer.conflicted();
          run.lost(writing, result.kind === 'conflict' ? result.status : undefined);
          return this.#startOver(run, writing.cause, next);
        default:
          return this.#notWritten(run, writing, next, result);
      }
    } catch (error) {
      departures.fail(run, error);
    }
  }

  #applied(run: Run, writing: Writing, version: number): void {
    const { registry, effects, adoption, commands, runner, onReleased, onFinal } = this.#d;
    const { known, cause, hold, dueInMs } = writing;
    const { transaction } = known;
    const created = known.version === 0;
    const { claimed, queue } = run;
    run.applied(writing, version);
    observeWrite(this.#d, transaction, created);
    if (!hold) registry.remove(run);
    if (cause !== undefined) effects.carryOut(run, transaction, cause.effects, cause.delivery.reply);
    if (hold) return runner().work(run);
    // The record is released and is only in the store; queued events restart from there.
    effects.replyEarly(run);
    if (dueInMs !== null) onReleased(dueInMs);
    if (isFinal(transaction.state.status)) onFinal(run.id);
    if (claimed !== undefined && claimed.version > version) adoption.take(claimed);
    commands.again(run, queue);
  }

  /** Reads the record again after a write that lost (R8). */
  #startOver(run: Run, cause: Cause | undefined, { paced, refused }: Again): void {
    const { replies, reloader } = this.#d;
    if (cause !== undefined && refused)
      replies.failed(cause.delivery.reply, unavailable(run.key, 'too many other writers change the record'));
    else if (cause !== undefined) run.enqueueFirst(cause.delivery);
    if (paced) reloader.reloadLater(run);
    else void reloader.reload(run);
  }

  /** The write cannot be applied, or its outcome is unknown (R9). */
  #notWritten(run: Run, writing: Writing, next: NotWritten, result: WriteResult): void {
    const { replies, logger, departures } = this.#d;
    const error = unavailable(run.key, next.why);
    if (next.kind !== 'drop')
      logger.error({ gid: run.key.gid, why: next.why }, 'could not write a transaction in progress');
    // This caller's event had no effect. Other callers may wait for a transaction that is durable.
    const isWithoutEffect = next.kind === 'drop' || next.kind === 'undo';
    const isFailed = isWithoutEffect && result.kind === 'failed';
    replies.failed(writing.cause?.delivery.reply, isFailed ? notStored(run.key, result.error) : error);
    switch (next.kind) {
      case 'undo':
        return this.#undo(run, writing);
      case 'park':
        return departures.release(run, error);
      case 'doubt':
        departures.doubt(run.key, run.version);
        return departures.drop(run, error);
      case 'drop':
        return departures.drop(run, error);
    }
  }

  /** Reverts the step that requested the write, and continues. */
  #undo(run: Run, writing: Writing): void {
    const { progress, adoption, runner } = this.#d;
    const { claimed } = run;
    run.undo(writing);
    if (ownsRecord(run)) progress.mark(run);
    if (claimed !== undefined) adoption.take(claimed);
    runner().work(run);
  }
}

type Again = Extract<AfterWrite, { kind: 'again' }>;
type NotWritten = Exclude<AfterWrite, Again | { kind: 'applied' }>;
