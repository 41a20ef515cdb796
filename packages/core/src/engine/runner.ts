import {
  type HoldfastError,
  isFinal,
  logTextOfThrown,
  type Pattern,
  stackOfThrown,
  textOfThrown,
  type TransactionKey,
} from '@holdfast/protocol';
import type { UnreadableRecord } from '../codec/frame.ts';
import type { EngineOptions } from './engine-options.ts';
import type { AlertHook, Clock, Logger, Random } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { EngineObserver } from '../observer.ts';
import type { Policy } from '../patterns/step.ts';
import { cleared } from '../patterns/suspicion.ts';
import type { Entry, Store, StoredTransaction } from '../store/store.ts';
import { Adoption } from './adoption.ts';
import type { Calls } from './calls.ts';
import type { Committer, WriteResult } from './committer.ts';
import { Doubts } from './doubts.ts';
import { decide, forwarded, isBusy, ownershipAfter, type Verdict } from './deliver.ts';
import { EffectRunner } from './effects.ts';
import { internal, notStored, unavailable, unknownGid, unreadableRecord } from './errors.ts';
import { ProgressWriter } from './progress.ts';
import { type AfterWrite, afterWrite, type Decision, MAX_CONFLICTS, type Opened, reconcile } from './reconcile.ts';
import { withoutBranches } from './records.ts';
import { Releaser } from './releaser.ts';
import { Replies } from './replies.ts';
import { RunTable } from './run-table.ts';
import { type Delivery, type Reply, UNHEARD } from './delivery.ts';
import type { Cause, Writing } from './run-state.ts';
import { hasWentBack, ownsRecord, versionAfter } from './run-write.ts';
import { idOf, Run } from './run.ts';
import type { Session } from './session.ts';
import { stoppedRecord } from './stopped-record.ts';
import { UnreadableLog } from './unreadable-log.ts';
import { UnreadRecords } from './unread-records.ts';
import { writeItem } from './write-item.ts';

export interface RunnerDependencies {
  readonly store: Store;
  readonly committer: Committer;
  readonly session: Session;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  /** Receives alerts; absent if no hook is configured. */
  readonly alert?: AlertHook;
  readonly options: EngineOptions;
  /** Called when a transaction was written with this due time. */
  readonly onReleased: (dueInMs: number) => void;
  /** Called when a final status became durable. */
  readonly onFinal: (id: string) => void;
}

const RELOAD_PAUSE_MS = 100;
/** Interval at which a record is read again whose bodies the store cannot return. */
const UNREAD_PAUSE_MS = 10_000;

/**
 * Runs transactions: delivers events to the pure core one at a time, and carries out what the pure
 * functions decide: `decide` (an event), `afterWrite` and `reconcile` (a write, a read, a claim).
 * Longer than other classes because these methods change the phase of the same runs. Everything
 * with separate state is in `RunTable`, `ProgressWriter`, `Adoption`, `Doubts`, `Releaser` and
 * `EffectRunner`.
 *
 * E1  What `persist: wait` requires is durable before any other effect of that step happens (D1).
 * E2  A branch is called only by the owner of the record, while its lease holds.
 * E3  A write that loses against another writer is discarded: the record is read again, and
 *     `reconcile` decides.
 * E4  Every reply is resolved exactly once.
 * E6  An exception in a run stays in that run: the record is released, parked with the error as its
 *     reason.
 * E7  A record that this session owns is in `RunTable`, and is driven, being released or being read
 *     again (R7), or there is a doubt about it (while the session is alive).
 */
export class Runner {
  readonly #d: RunnerDependencies;
  readonly #effects: EffectRunner;
  readonly #replies: Replies;
  readonly #progress: ProgressWriter;
  readonly #releaser: Releaser;
  readonly #adoption: Adoption;
  readonly #doubts: Doubts;
  readonly #unread: UnreadRecords;
  readonly #unreadableLog: UnreadableLog;
  readonly #policy: Policy;
  readonly #runs = new RunTable();
  #writeIds = 0;

  constructor(dependencies: RunnerDependencies) {
    const d = (this.#d = dependencies);
    this.#policy = { ...d.options, noAlertHook: d.alert === undefined };
    this.#replies = new Replies(d.logger);
    this.#effects = new EffectRunner({
      ...d,
      replies: this.#replies,
      deliver: (run, event) => this.#deliver(run, { event }),
      failed: (run, error) => this.#fail(run, error),
      onAcknowledged: (key) => this.command(key, { event: { kind: 'alerted' }, reply: UNHEARD }),
    });
    this.#progress = new ProgressWriter(d.clock, d.options.progressFlushMs, (run) => this.#flush(run));
    this.#releaser = new Releaser({
      ...d,
      newWriteId: () => this.#newWriteId(),
      onUnwritable: ({ key, version }) => this.#doubt(key, version),
    });
    this.#unread = new UnreadRecords(d);
    this.#unreadableLog = new UnreadableLog(d);
    this.#doubts = new Doubts({
      ...d,
      session: () => d.session.id,
      hasRun: (id) => this.has(id),
      onOwned: (record) => this.#reconcile(this.#add(record), record),
    });
    this.#adoption = new Adoption({
      runs: this.#runs,
      releaser: this.#releaser,
      clock: d.clock,
      maxClaims: d.options.maxClaims,
      reconcile: (run, record) => this.#reconcile(run, record),
      reread: (run) => void this.#reload(run),
      onPutBack: (run, dueInMs) => {
        this.#leave(run);
        d.onReleased(dueInMs);
      },
    });
  }

  /** Number of transactions in memory. */
  get size(): number {
    return this.#runs.size;
  }

  /** Number of writes of unknown outcome after which this session may own a record. */
  get doubts(): number {
    return this.#doubts.size;
  }

  has(id: string): boolean {
    return this.#runs.get(id) !== undefined;
  }

  /** Whether the transaction is stored and driven here, so that `onFinal` is still to be called. */
  drives(id: string): boolean {
    const run = this.#runs.get(id);
    return run !== undefined && run.version > 0 && run.isDriving;
  }

  /** All runs in memory. */
  runs(): readonly Run[] {
    return this.#runs.all();
  }

  /**
   * Reads the record of a run again. Another node changed the record while the run waited only for
   * its calls.
   */
  reread(run: Run): void {
    run.load();
    void this.#reload(run);
  }

  /** Creates a transaction, or delivers the event to the stored one when the gid exists. */
  create(fresh: Transaction, group: string, delivery: Delivery): void {
    const id = idOf(fresh.key);
    const existing = this.#runs.get(id);
    if (existing !== undefined) return this.#deliver(existing, delivery);
    this.#deliver(this.#runs.add(Run.ofNew(fresh, group, id)), delivery);
  }

  /** Delivers an event to a stored transaction. */
  command(key: TransactionKey, delivery: Delivery): void {
    const id = idOf(key);
    const existing = this.#runs.get(id);
    if (existing !== undefined) return this.#deliver(existing, delivery);
    const run = this.#runs.add(Run.ofStored(key, undefined, id));
    run.enqueue(delivery);
    void this.#reload(run);
  }

  /**
   * Drives the records, at most `limit`, that `claim` takes for this session. Their room is
   * reserved until `claim` returns.
   */
  adopt(limit: number, claim: () => Promise<readonly StoredTransaction[]>): Promise<void> {
    return this.#runs.claim(limit, claim, (records) => this.#adoption.takeAll(records));
  }

  /** False while another claim would put more than one transaction at risk (TR4). */
  get mayClaim(): boolean {
    return this.#adoption.mayClaim;
  }

  /** Discards all runs: the session has ended, and nothing more is called or written for them. */
  dropAll(): void {
    for (const run of this.#runs.all()) this.#discard(run, unavailable(run.key, 'this node lost its session'));
    this.#doubts.clear();
    this.#effects.newSession();
    this.#d.committer.abandon();
  }

  #deliver(run: Run, delivery: Delivery): void {
    run.enqueue(delivery);
    this.#work(run);
  }

  /** Delivers queued events until a write must be waited for. */
  #work(run: Run): void {
    if (!run.beginWork()) return;
    try {
      while (run.phase === 'open') {
        const next = run.next();
        if (next === undefined) break;
        this.#apply(run, next);
      }
      if (run.phase === 'open') this.#settle(run);
    } catch (error) {
      this.#fail(run, error);
    } finally {
      run.endWork();
    }
  }

  /**
   * Called when nothing is queued. A run that does not own its record is no longer needed; a run
   * that owns it must have calls in progress (E7).
   */
  #settle(run: Run): void {
    if (run.ownership === 'none' || run.ownership === 'theirs') this.#forget(run);
    else if (run.ownership === 'orphaned' || run.transaction === undefined || !isBusy(run.transaction))
      throw new Error('the record is owned, and nothing in it is to be driven');
  }

  #apply(run: Run, delivery: Delivery): void {
    const before = run.transaction;
    if (before === undefined) throw new Error('an open run has a transaction');
    const { reply } = delivery;
    const verdict = this.#decide(run, before, delivery);
    switch (verdict.kind) {
      case 'refused':
        return this.#replies.failed(reply, verdict.error);
      case 'forward':
        return this.#forward(before, run.id, verdict.entry, reply);
      case 'write':
        run.stepped(verdict.transaction);
        return this.#write(run, { before, delivery, effects: verdict.effects });
      case 'proceed':
        run.stepped(verdict.transaction);
        if (verdict.effects.persist === 'lazily') this.#progress.mark(run);
        this.#effects.carryOut(run, verdict.transaction, verdict.effects, reply);
    }
  }

  #decide(run: Run, before: Transaction, delivery: Delivery): Verdict {
    try {
      const { session, random } = this.#d;
      return decide(run, before, delivery, { nowMs: session.nowMs(), random: random(), policy: this.#policy });
    } catch (error) {
      this.#replies.failed(delivery.reply, internal(run.key, error));
      throw error;
    }
  }

  /** Forwards a command to the node that drives the transaction. */
  #forward(transaction: Transaction, id: string, entry: Entry | undefined, reply: Reply | undefined): void {
    if (entry === undefined) return this.#replies.done(reply, transaction);
    this.#d.committer.enqueue(forwarded(transaction, entry), id, false, (result) => {
      if (result.kind !== 'applied')
        return this.#replies.failed(reply, unavailable(transaction.key, 'the command could not be stored; retry it'));
      this.#d.onReleased(0);
      this.#replies.done(reply, transaction);
    });
  }

  #newWriteId(): string {
    return `${this.#d.session.id}-${++this.#writeIds}`;
  }

  /**
   * Whether this node may own the record: within the bound of work in progress, with a held lease,
   * and hosting the functions that the run's `local://` branches name.
   */
  #mayDrive(run: Run): boolean {
    const { session, options } = this.#d;
    const hosted = run.group === '' || options.groups.includes(run.group);
    return hosted && session.leaseHeld() && this.#runs.taken + this.#doubts.size <= options.maxInProgress;
  }

  /**
   * Writes progress. The node has survived the progress-flush interval with this transaction, so
   * that the transaction is no longer suspected of crashing nodes.
   */
  #flush(run: Run): void {
    try {
      if (run.transaction !== undefined) run.stepped(cleared(run.transaction));
      this.#write(run, undefined);
    } catch (error) {
      this.#fail(run, error);
    }
  }

  #write(run: Run, cause: Cause | undefined): void {
    try {
      const { transaction } = run;
      if (transaction === undefined) throw new Error('nothing to write');
      const { session, committer } = this.#d;
      const mayOwn = run.ownership === 'ours' || this.#mayDrive(run);
      const { hold, dueInMs } = ownershipAfter(transaction, cause?.effects.wakeAtMs ?? null, session.nowMs(), mayOwn);
      const writeId = this.#newWriteId();
      const item = writeItem(run, transaction, { writeId, owner: hold ? session.id : null, dueInMs });
      const writing = run.write(cause, hold, dueInMs, writeId);
      this.#progress.clear(run);
      committer.enqueue(item, run.id, ownsRecord(run), (result) => this.#written(run, writing, result));
    } catch (error) {
      this.#replies.failed(cause?.delivery.reply, internal(run.key, error));
      throw error;
    }
  }

  #written(run: Run, writing: Writing, result: WriteResult): void {
    const reply = writing.cause?.delivery.reply;
    if (run.phase === 'gone') return this.#replies.failed(reply, unavailable(run.key, 'this node lost its session'));
    // The run is left unchanged: its record is restored, and the run is dropped with the session.
    if (hasWentBack(run, writing, result)) {
      this.#replies.failed(reply, unavailable(run.key, 'the store has lost acknowledged writes'));
      return void this.#d.session.wentBack();
    }
    try {
      const next = afterWrite(run, { hold: writing.hold, isAwaited: reply !== undefined }, result);
      switch (next.kind) {
        case 'applied':
          return this.#applied(run, writing, next.version);
        case 'again':
          this.#d.observer.conflicted();
          run.lost(writing, result.kind === 'conflict' ? result.status : undefined);
          return this.#startOver(run, writing.cause, next);
        default:
          return this.#notWritten(run, writing, next, result);
      }
    } catch (error) {
      this.#fail(run, error);
    }
  }

  #applied(run: Run, writing: Writing, version: number): void {
    const { known, cause, hold, dueInMs } = writing;
    const { transaction } = known;
    const created = known.version === 0;
    const { claimed, queue } = run;
    run.applied(writing, version);
    this.#observe(transaction, created);
    if (!hold) this.#forget(run);
    if (cause !== undefined) this.#effects.carryOut(run, transaction, cause.effects, cause.delivery.reply);
    if (hold) return this.#work(run);
    // The record is released and is only in the store; queued events restart from there.
    this.#effects.answerEarly(run);
    if (dueInMs !== null) this.#d.onReleased(dueInMs);
    if (isFinal(transaction.state.status)) this.#d.onFinal(run.id);
    if (claimed !== undefined && claimed.version > version) this.#adoption.take(claimed);
    this.#deliverAgain(run, queue);
  }

  #observe(transaction: Transaction, created: boolean): void {
    const { observer, session } = this.#d;
    const pattern: Pattern = transaction.definition.pattern;
    if (created) observer.transactionAccepted(pattern);
    const { status } = transaction.state;
    if (isFinal(status)) observer.transactionFinished(pattern, status, session.nowMs() - transaction.createdAtMs);
  }

  /** Reads the record again after a write that lost (R8). */
  #startOver(run: Run, cause: Cause | undefined, { paced, refused }: Again): void {
    if (cause !== undefined && refused)
      this.#replies.failed(cause.delivery.reply, unavailable(run.key, 'too many other writers change the record'));
    else if (cause !== undefined) run.enqueueFirst(cause.delivery);
    if (paced) this.#reloadLater(run);
    else void this.#reload(run);
  }

  /** The write cannot be applied, or its outcome is unknown (R9). */
  #notWritten(
    run: Run,
    writing: Writing,
    next: Exclude<AfterWrite, Again | { kind: 'applied' }>,
    result: WriteResult,
  ): void {
    const error = unavailable(run.key, next.why);
    if (next.kind !== 'drop')
      this.#d.logger.error({ gid: run.key.gid, why: next.why }, 'could not write a transaction in progress');
    // This caller's event had no effect. Other callers may wait for a transaction that is durable.
    const isWithoutEffect = next.kind === 'drop' || next.kind === 'undo';
    const isFailed = isWithoutEffect && result.kind === 'failed';
    this.#replies.failed(writing.cause?.delivery.reply, isFailed ? notStored(run.key, result.error) : error);
    switch (next.kind) {
      case 'undo':
        return this.#undo(run, writing);
      case 'park':
        return this.#release(run, error);
      case 'doubt':
        this.#doubt(run.key, run.version);
        return this.#drop(run, error);
      case 'drop':
        return this.#drop(run, error);
    }
  }

  /** Reverts the step that requested the write, and continues. */
  #undo(run: Run, writing: Writing): void {
    const { claimed } = run;
    run.undo(writing);
    if (ownsRecord(run)) this.#progress.mark(run);
    if (claimed !== undefined) this.#adoption.take(claimed);
    this.#work(run);
  }

  async #reload(run: Run): Promise<void> {
    if (run.phase !== 'loading') return;
    const known = run.queue.length;
    try {
      const [record] = await this.#d.store.get([run.key]);
      if (run.phase !== 'loading') return;
      if (record === undefined && !ownsRecord(run) && run.claimed === undefined && run.queue.length > known)
        return this.#readAgain(run, known);
      this.#reconcile(run, record);
    } catch (error) {
      if (run.phase !== 'loading') return;
      if (!ownsRecord(run) && run.claimed === undefined && !this.#unread.has(run))
        return this.#drop(run, unavailable(run.key, `the store could not be read (${logTextOfThrown(error)})`));
      this.#reloadLater(run);
    }
  }

  /**
   * There was no record when a read began. Events that came later may be those of a caller that
   * has created the record since then: a second read decides about them.
   */
  #readAgain(run: Run, known: number): void {
    for (const { reply } of run.takeQueue(known)) this.#replies.failed(reply, unknownGid(run.key.gid));
    void this.#reload(run);
  }

  #reloadLater(run: Run, pauseMs = RELOAD_PAUSE_MS): void {
    this.#d.clock.setTimer(pauseMs, () => void this.#reload(run));
  }

  #reconcile(run: Run, record: StoredTransaction | undefined): void {
    try {
      const { session } = this.#d;
      const self = { session: session.id, leaseHeld: session.leaseHeld(), claiming: this.#runs.claiming };
      this.#carryOut(run, reconcile(run, record, self));
    } catch (error) {
      this.#fail(run, error);
    }
  }

  #carryOut(run: Run, decision: Decision): void {
    switch (decision.kind) {
      case 'gone':
        return this.#drop(run, unknownGid(run.key.gid));
      case 'stale':
        run.load();
        return this.#reloadLater(run);
      case 'merge':
        this.#unread.remove(run);
        run.merge(decision, decision.queue);
        if (run.queue.length === 0) this.#progress.mark(run);
        return this.#work(run);
      case 'drop run':
        return this.#letGo(run, decision);
      case 'open':
        return this.#open(run, decision.opened);
      case 'without bodies':
        return this.#awaitBodies(run, decision);
      case 'unreadable':
        return this.#unreadable(run, decision);
    }
  }

  /** Drops the run: another node decided about its transaction (R3). */
  #letGo(run: Run, { record, reopen, claimed, queue }: Extract<Decision, { kind: 'drop run' }>): void {
    const { version, owner } = record;
    this.#d.logger.info({ gid: run.key.gid, version, owner }, 'run dropped: another node changed the transaction');
    run.sawVersion(version);
    run.takeQueue();
    this.#forget(run);
    this.#effects.answerEarly(run);
    if (reopen) {
      const again = this.#runs.add(Run.ofStored(run.key, claimed ? record : undefined, run.id));
      this.#reconcile(again, record);
    }
    this.#deliverAgain(run, queue);
  }

  /** Delivers the events of callers again, from the store. */
  #deliverAgain(run: Run, queue: readonly Delivery[]): void {
    for (const delivery of queue) if (delivery.reply !== undefined) this.command(run.key, delivery);
  }

  #open(run: Run, opened: Opened): void {
    this.#unread.remove(run);
    run.open(opened, opened.queue);
    this.#work(run);
  }

  /** Events of callers are rejected; results of branches wait for the record (R7). */
  #awaitBodies(run: Run, { record, error }: Extract<Decision, { kind: 'without bodies' }>): void {
    this.#unread.add(run, error);
    const queue = run.takeQueue();
    run.requeue(queue.filter(({ reply }) => reply === undefined));
    for (const { reply, event } of queue) this.#replies.failed(reply, unreadableRecord(record, error, event.kind));
    run.load();
    this.#reloadLater(run, UNREAD_PAUSE_MS);
  }

  /**
   * Leaves a record that this version cannot read unchanged (R7), unless an operator force-stops a
   * damaged record.
   */
  #unreadable(run: Run, { record, owned, error }: Extract<Decision, { kind: 'unreadable' }>): void {
    this.#unreadableLog.met(run.id, run.key.gid, error);
    run.sawVersion(record.version);
    const stops: Delivery[] = [];
    for (const delivery of run.takeQueue()) {
      if (delivery.event.kind === 'stop' && isStoppable(record, error)) stops.push(delivery);
      else this.#replies.failed(delivery.reply, unreadableRecord(record, error, delivery.event.kind));
    }
    const failure = unreadableRecord(record, error, 'resumed');
    if (owned) this.#release(run, failure);
    else if (stops.length === 0) return this.#drop(run, failure);
    // After `#release`, which fails everything queued: a stop is delivered again once the record is
    // released.
    run.requeue(stops);
    if (!owned) this.#stopDamaged(run, record, error);
  }

  #stopDamaged(run: Run, record: StoredTransaction, error: UnreadableRecord): void {
    const event = run.queue[0]?.event;
    const settings = { writeId: this.#newWriteId(), nowMs: this.#d.session.nowMs(), why: error.message };
    const { item, state } = stoppedRecord(record, event?.kind === 'stop' ? event : { reason: '' }, settings);
    run.stop();
    this.#d.committer.enqueue(item, run.id, false, (result) => {
      if (run.phase === 'gone') return;
      switch (result.kind) {
        case 'applied':
          return this.#stoppedDamaged(run, withoutBranches(record, state));
        case 'conflict':
        case 'missing':
          if (run.stopLost() >= MAX_CONFLICTS)
            return this.#drop(run, unavailable(run.key, 'too many other writers change the record'));
          return this.#reloadLater(run);
        case 'failed':
          return this.#drop(run, notStored(run.key, result.error));
        case 'abandoned':
          return this.#drop(run, unavailable(run.key, 'whether it was stored is not known'));
      }
    });
  }

  #stoppedDamaged(run: Run, transaction: Transaction): void {
    const [first, ...later] = run.takeQueue();
    this.#forget(run);
    this.#observe(transaction, false);
    this.#replies.done(first?.reply, transaction);
    this.#d.onFinal(run.id);
    this.#deliverAgain(run, later);
  }

  /** Handles an exception in a run (E6). */
  #fail(run: Run, thrown: unknown): void {
    const error = internal(run.key, thrown);
    this.#d.logger.error({ gid: run.key.gid, error: stackOf(thrown) }, 'transaction parked after an internal error');
    if (run.phase === 'gone') return;
    // Without a version the store has no record of the transaction, unless a claim returned one.
    if (run.version === 0 && run.claimed === undefined && run.phase !== 'loading') this.#drop(run, error);
    else this.#release(run, error);
  }

  /** Parks a run that cannot continue. The record stays owned until the release is durable (E7). */
  #release(run: Run, error: HoldfastError): void {
    const replies = run.takeReplies();
    run.release();
    this.#progress.clear(run);
    for (const reply of replies) this.#replies.failed(reply, error);
    this.#releaser.park(run, error.message, (parked) => this.#released(run, parked, error.message));
  }

  #released(run: Run, parked: StoredTransaction | undefined, reason: string): void {
    if (parked !== undefined) this.#effects.raise(run, parked.status, { branch: '', error: reason, retryCount: 0 });
    // Only a claim made after this release counts.
    run.sawVersion(versionAfter(run, parked));
    this.#leave(run);
  }

  /**
   * Removes a run that drove nothing, after its record was released. The record may have been
   * claimed since then, and changed after that claim.
   */
  #leave(run: Run): void {
    const { claimed, version, queue } = run;
    this.#forget(run);
    if (claimed !== undefined && claimed.version > version && this.#d.session.leaseHeld()) {
      this.#adoption.takeLater(claimed);
    }
    this.#deliverAgain(run, queue);
  }

  #forget(run: Run): void {
    run.leave();
    this.#effects.outlived(run);
    this.#unread.remove(run);
    this.#progress.clear(run);
    this.#runs.remove(run);
  }

  #doubt(key: TransactionKey, version: number): void {
    if (!this.#doubts.add(key, version)) this.#d.session.lose('it may own too many records that no run drives');
  }

  #add({ key }: StoredTransaction): Run {
    return this.#runs.add(Run.ofStored(key));
  }

  /** Discards a run that owns no record; waiting callers receive the error. */
  #drop(run: Run, error: HoldfastError): void {
    const { claimed } = run;
    this.#discard(run, error);
    if (claimed !== undefined && this.#d.session.leaseHeld()) this.#adoption.take(claimed);
  }

  /** Discards a run, and the record that a claim returned for it. */
  #discard(run: Run, error: HoldfastError): void {
    const replies = run.takeReplies();
    this.#forget(run);
    for (const reply of replies) this.#replies.failed(reply, error);
  }
}

type Again = Extract<AfterWrite, { kind: 'again' }>;

/** A record of a later format is left to nodes of that version. */
const isStoppable = ({ status }: StoredTransaction, { isLater }: UnreadableRecord): boolean =>
  !isLater && !isFinal(status);

const stackOf = (thrown: unknown): string => stackOfThrown(thrown) ?? textOfThrown(thrown);
