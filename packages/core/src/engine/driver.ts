import { HoldfastError, isFinal, type Pattern, type TransactionKey } from '@holdfast/protocol';
import {
  ABORT_ORDER_KEY,
  countRetryOrders,
  decodeAbortOrder,
  decodeRegistrations,
  encodeAbortOrder,
  encodeRetryOrder,
} from '../codec/entry-codec.ts';
import { UnreadableRecord } from '../codec/frame.ts';
import type { EngineOptions } from '../engine-options.ts';
import type { AlertHook, Clock, Logger, Random } from '../environment.ts';
import type { Transaction } from '../model.ts';
import type { EngineObserver } from '../observer.ts';
import { step } from '../patterns/index.ts';
import { withRegistered } from '../patterns/state.ts';
import { type Effects, isRefusal, type TransactionEvent } from '../patterns/step.ts';
import { SlotMap } from '../slot-map.ts';
import type { AppendItem, Entry, Store, StoredTransaction } from '../store.ts';
import type { Calls } from './calls.ts';
import type { Committer, WriteResult } from './committer.ts';
import { EffectRunner } from './effects.ts';
import { contradicts, refused, unavailable, unknownGid } from './errors.ts';
import { transactionOf } from './records.ts';
import { type Delivery, idOf, newRun, type Reply, type Run } from './run.ts';
import type { Session } from './session.ts';
import { writeItem } from './write-item.ts';

export interface DriverDependencies {
  readonly store: Store;
  readonly committer: Committer;
  readonly session: Session;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  readonly alert: AlertHook;
  readonly options: EngineOptions;
  /** Told when a transaction was written to be due after so long. */
  readonly onReleased: (dueInMs: number) => void;
  /** Told when a final status became durable. */
  readonly onFinal: (id: string) => void;
}

/** A command that keeps losing against other writers gives up after so many rounds. */
const MAX_CONFLICTS = 50;
/** Orders find room where branches do not. */
const MAX_ENTRIES = 10_000;
const RELOAD_PAUSE_MS = 100;

/**
 * Runs transactions: delivers events to the pure core one at a time, and runs the effects in the order that keeps the promises.
 *
 * E1  What `persist: wait` says is durable before any other effect of that step happens (D1).
 * E2  A branch is called only by the owner of the record, while its lease holds.
 * E3  A write that loses against another writer is thrown away: the record is read again, and if this session still owns it the event is stepped again on
 *     what it holds now; otherwise the node lets go.
 * E4  Every reply is answered exactly once.
 */
export class Driver {
  readonly #d: DriverDependencies;
  readonly #effects: EffectRunner;
  readonly #runs = new SlotMap<Run>();
  readonly #dirty = new SlotMap<Run>();
  /** A flush is on its way. */
  #flushing = false;
  /** Places kept free for a claim on its way. */
  #reserved = 0;
  /** Versions of what left memory since that claim was sent. */
  #leftMeanwhile: Map<string, number> | undefined;
  #writeIds = 0;

  constructor(dependencies: DriverDependencies) {
    this.#d = dependencies;
    this.#effects = new EffectRunner({ ...dependencies, deliver: (run, event) => this.#deliver(run, { event }) });
  }

  /** Transactions in memory. */
  get size(): number {
    return this.#runs.size;
  }

  has(id: string): boolean {
    return this.#runs.has(id);
  }

  /** It is stored, and being driven here: when it becomes final, `onFinal` is still to come. */
  drives(id: string): boolean {
    const run = this.#runs.get(id);
    return run !== undefined && run.version > 0 && run.phase !== 'loading';
  }

  /** What is in memory now. */
  runs(): readonly Run[] {
    return this.#runs.values();
  }

  /** Somebody else changed the record of one that waits for nothing but its calls: it is read again, and heeded. */
  reread(run: Run): void {
    run.phase = 'loading';
    void this.#reload(run);
  }

  /** Creates a transaction, or delivers the event to the stored one when the gid exists. */
  create(fresh: Transaction, group: string, delivery: Delivery): void {
    const id = idOf(fresh.key);
    const existing = this.#runs.get(id);
    if (existing !== undefined) return this.#deliver(existing, delivery);
    const run = this.#add(newRun(id, fresh.key, 'open', group));
    run.transaction = fresh;
    this.#deliver(run, delivery);
  }

  /** Delivers an event to a stored transaction. */
  command(key: TransactionKey, delivery: Delivery): void {
    const id = idOf(key);
    const existing = this.#runs.get(id);
    if (existing !== undefined) return this.#deliver(existing, delivery);
    const run = this.#add(newRun(id, key, 'loading', ''));
    run.queue.push(delivery);
    void this.#reload(run);
  }

  /** Drives the records, at most `limit`, that `claim` takes for this session; there is room for them meanwhile. */
  async adopt(limit: number, claim: () => Promise<readonly StoredTransaction[]>): Promise<void> {
    this.#reserved = limit;
    const left = (this.#leftMeanwhile = new Map());
    try {
      const records = await claim();
      // A command may have found it in the store, and this node be through with it, before the claim's answer came.
      for (const record of records) if (record.version >= (left.get(idOf(record.key)) ?? 0)) this.#adopt(record);
    } finally {
      this.#reserved = 0;
      this.#leftMeanwhile = undefined;
    }
  }

  #adopt(record: StoredTransaction): void {
    const id = idOf(record.key);
    const existing = this.#runs.get(id);
    if (existing === undefined) this.#open(this.#add(newRun(id, record.key, 'loading', record.group)), record, true);
    else if (!existing.owned || existing.version < record.version) existing.claimed = record;
  }

  /** The session is over: nothing more is called or written for what it held. */
  dropAll(): void {
    for (const run of this.#runs.values()) this.#drop(run, unavailable(run.key, 'this node lost its session'));
    this.#d.committer.abandon();
  }

  /** Writes progress that is not written yet. */
  #flush(): void {
    this.#flushing = false;
    for (const run of this.#dirty.values()) {
      this.#dirty.delete(run.id);
      if (run.phase === 'open') this.#write(run, undefined);
    }
  }

  #add(run: Run): Run {
    this.#runs.set(run.id, run);
    return run;
  }

  #deliver(run: Run, delivery: Delivery): void {
    run.queue.push(delivery);
    this.#work(run);
  }

  /** Delivers what is queued, until a write must be waited for. */
  #work(run: Run): void {
    if (run.delivering) return;
    run.delivering = true;
    while (run.phase === 'open') {
      const next = run.queue.shift();
      if (next === undefined) break;
      this.#apply(run, next);
    }
    run.delivering = false;
    if (run.phase === 'open' && !run.owned) this.#forget(run);
  }

  #apply(run: Run, delivery: Delivery): void {
    const { reply } = delivery;
    const before = run.transaction;
    if (before === undefined) throw new Error('an open run has a transaction');
    if (delivery.pattern !== undefined && delivery.pattern !== before.definition.pattern)
      return reply?.failed(contradicts(run.key, before, delivery.pattern));
    const event =
      delivery.event.kind === 'prepared' && run.version > 0 ? { ...delivery.event, again: true } : delivery.event;
    const stepped = step(before, event, this.#moment());
    if (isRefusal(stepped)) return reply?.failed(refused(run.key, stepped.refusal, before));
    if (run.foreign && !takesOver(event, before)) return this.#tellOwner(run, before, event, reply);
    const { transaction, effects } = stepped;
    run.transaction = transaction;
    const hold = transaction.running.length > 0 || transaction.checking;
    // What a node vanished with shows at once that this one gets on with it: the next to take it counts anew.
    const shows = run.suspect && effects.persist === 'lazily' && isAnswer(event);
    if (effects.persist === 'wait' || hold !== run.owned || shows)
      return this.#write(run, { before, delivery, effects });
    if (effects.persist === 'lazily') this.#markDirty(run);
    this.#effects.carryOut(run, transaction, effects, reply);
  }

  #moment() {
    return { nowMs: this.#d.session.nowMs(), random: this.#d.random(), policy: this.#d.options };
  }

  /**
   * Another node drives it, and hears an order with its next write or when it looks, which is soon. What is neither an order to abort nor to drive at once is
   * happening there already.
   */
  #tellOwner(run: Run, transaction: Transaction, event: TransactionEvent, reply: Reply | undefined): void {
    const order = orderOf(event, transaction, run.writeId);
    if (order === undefined) return reply?.done(transaction);
    const item: AppendItem = {
      kind: 'append',
      key: run.key,
      whenStatus: order.key === ABORT_ORDER_KEY ? ['submitted'] : ['submitted', 'aborting'],
      entries: [order],
      maxEntries: MAX_ENTRIES,
      // Should its node have let go of it meanwhile, it is for whoever looks first.
      postponeMs: 0,
    };
    this.#d.committer.enqueue(item, run.id, false, (result) => {
      if (result.kind !== 'applied')
        return reply?.failed(unavailable(run.key, 'the order could not be stored; give it again'));
      this.#d.onReleased(0);
      reply?.done(transaction);
    });
  }

  #newWriteId(): string {
    return `${this.#d.session.id}-${++this.#writeIds}`;
  }

  /** Within the bound of work in progress, with a session that can own it, and with the functions that its `local://` branches name. */
  #mayDrive(run: Run): boolean {
    const { session, options } = this.#d;
    const hosted = run.group === '' || options.groups.includes(run.group);
    return hosted && session.leaseHeld() && this.#runs.size + this.#reserved <= options.maxInProgress;
  }

  #write(run: Run, cause: Cause | undefined): void {
    const transaction = run.transaction;
    if (transaction === undefined) throw new Error('nothing to write');
    const { session, committer } = this.#d;
    const { state } = transaction;
    const final = isFinal(state.status);
    let hold = !final && (transaction.running.length > 0 || transaction.checking);
    let dueInMs = hold || final ? null : dueIn(cause?.effects.wakeAtMs ?? null, session.nowMs());
    if (hold && !run.owned && !this.#mayDrive(run)) {
      // It queues in the store, for whoever may.
      hold = false;
      dueInMs = 0;
    }
    const item = writeItem(run, transaction, { writeId: this.#newWriteId(), owner: hold ? session.id : null, dueInMs });
    run.phase = 'writing';
    this.#dirty.delete(run.id);
    committer.enqueue(item, run.id, run.owned, (result) =>
      this.#written({ run, transaction, cause, hold, dueInMs, writeId: item.writeId }, result),
    );
  }

  #written(write: Write, result: WriteResult): void {
    const { run, cause } = write;
    const reply = cause?.delivery.reply;
    if (run.phase === 'gone') return reply?.failed(unavailable(run.key, 'this node lost its session'));
    switch (result.kind) {
      case 'applied':
        return this.#applied(write, result.version);
      case 'conflict':
      case 'missing':
        this.#d.observer.conflicted();
        return this.#startOver(run, cause);
      case 'failed':
      case 'abandoned': {
        const why =
          result.kind === 'failed'
            ? `the store did not take it (${result.error.message})`
            : 'whether it was stored is not known';
        if (run.owned)
          this.#d.logger.error({ gid: run.key.gid, why }, 'a transaction in progress could not be written');
        const error = unavailable(run.key, why);
        reply?.failed(error);
        return this.#drop(run, error);
      }
    }
  }

  #applied({ run, transaction, cause, hold, dueInMs, writeId }: Write, version: number): void {
    const created = run.version === 0;
    const { claimed, queue } = run;
    run.version = version;
    run.writeId = writeId;
    run.owned = hold;
    run.foreign = false;
    run.suspect = false;
    run.phase = 'open';
    run.conflicts = 0;
    run.claimed = undefined;
    this.#observe(transaction, created);
    if (!hold) this.#forget(run);
    if (cause !== undefined) this.#effects.carryOut(run, transaction, cause.effects, cause.delivery.reply);
    if (hold) return this.#work(run);
    // Released: it lives in the store only, and what is still queued starts anew from there.
    this.#effects.answerEarly(run);
    if (dueInMs !== null) this.#d.onReleased(dueInMs);
    if (isFinal(transaction.state.status)) this.#d.onFinal(run.id);
    if (claimed !== undefined && claimed.version > version) this.#adopt(claimed);
    for (const delivery of queue) if (delivery.reply !== undefined) this.command(run.key, delivery);
  }

  #observe(transaction: Transaction, created: boolean): void {
    const { observer, session } = this.#d;
    const pattern: Pattern = transaction.definition.pattern;
    if (created) observer.transactionAccepted(pattern);
    const { status } = transaction.state;
    if (isFinal(status)) observer.transactionFinished(pattern, status, session.nowMs() - transaction.createdAtMs);
  }

  /** The write lost (E3). */
  #startOver(run: Run, cause: Cause | undefined): void {
    if (cause !== undefined) {
      run.transaction = cause.before;
      run.queue.unshift(cause.delivery);
    }
    if (++run.conflicts > MAX_CONFLICTS)
      return this.#drop(run, unavailable(run.key, 'too many others change it at once; send it again'));
    run.phase = 'loading';
    void this.#reload(run);
  }

  async #reload(run: Run): Promise<void> {
    try {
      const [record] = await this.#d.store.get([run.key]);
      if (run.phase === 'loading') this.#reloaded(run, record);
    } catch (error) {
      if (run.phase !== 'loading') return;
      if (!run.owned) return this.#drop(run, unavailable(run.key, `the store could not be read (${String(error)})`));
      this.#d.clock.setTimer(RELOAD_PAUSE_MS, () => void this.#reload(run));
    }
  }

  #reloaded(run: Run, record: StoredTransaction | undefined): void {
    const { session } = this.#d;
    if (record === undefined) return this.#drop(run, unknownGid(run.key.gid));
    // What was read may be older than a claim whose answer came first; and one may be ours whose claim or write was not answered.
    const newest = run.claimed !== undefined && run.claimed.version >= record.version ? run.claimed : record;
    const mine = newest.owner === session.id;
    if (!run.owned) return this.#open(run, newest, mine && session.leaseHeld());
    // Owned by this session again, but after another node's decision, it is not what this node knows.
    return mine && newest.writeId === run.writeId ? this.#merge(run, newest) : this.#letGo(run, newest);
  }

  /** Still this session's: only additions from outside can have bumped the version. Progress in memory stays. */
  #merge(run: Run, record: StoredTransaction): void {
    if (run.transaction === undefined) throw new Error('an owned run has a transaction');
    run.transaction = withRegistered(run.transaction, decodeRegistrations(record.entries));
    run.version = record.version;
    run.phase = 'open';
    const orders: Delivery[] = [];
    const abort = decodeAbortOrder(record.entries);
    if (abort !== undefined && run.transaction.state.status === 'submitted') orders.push({ event: ordered(abort) });
    const retryOrders = countRetryOrders(record.entries);
    if (retryOrders > run.retryOrders) orders.push({ event: { kind: 'retry' } });
    run.retryOrders = retryOrders;
    // Behind the event that tells what is not known any more, if that one is to be stepped again.
    const place = run.queue[0]?.event.kind === 'resumed' ? 1 : 0;
    run.queue.splice(place, 0, ...orders);
    if (run.queue.length === 0) this.#markDirty(run);
    this.#work(run);
  }

  /** Somebody else decided about it: callers are served from the store, answers still to come are dropped. If it is this node's again, it begins anew. */
  #letGo(run: Run, record: StoredTransaction): void {
    this.#d.logger.info(
      { gid: run.key.gid, version: record.version, owner: record.owner },
      'let go: another node decided about it',
    );
    run.version = record.version;
    this.#forget(run);
    this.#effects.answerEarly(run);
    if (record.owner === this.#d.session.id && this.#d.session.leaseHeld()) this.#adopt(record);
    for (const delivery of run.queue) if (delivery.reply !== undefined) this.command(run.key, delivery);
  }

  #open(run: Run, record: StoredTransaction, owned: boolean): void {
    const foreign = !owned && record.owner !== null && record.owner !== this.#d.session.id;
    // An orderly release leaves no claim behind: whoever had it vanished (a lost session of this node, too), and it is taken as if it were claimed.
    const abandoned = !owned && !foreign && record.claims > 0;
    try {
      run.transaction = transactionOf(record);
      // What nobody waits for was about the record as it was read before.
      run.queue = run.queue.filter((delivery) => delivery.reply !== undefined);
      const abort = record.status === 'submitted' ? decodeAbortOrder(record.entries) : undefined;
      if (owned || abandoned) run.queue.unshift({ event: resumed(owned ? record.claims : record.claims + 1, abort) });
      else if (abort !== undefined && !foreign) run.queue.unshift({ event: ordered(abort) });
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      return this.#park(run, record, owned, error);
    }
    run.version = record.version;
    run.writeId = record.writeId;
    run.group = record.group;
    run.owned = owned;
    run.foreign = foreign;
    // Whoever claims it next starts what is due, and when nothing is, everything.
    run.retryOrders = countRetryOrders(record.entries);
    run.suspect = record.claims > 1;
    run.claimed = undefined;
    run.phase = 'open';
    this.#work(run);
  }

  /** A record this version cannot read is left as it is, for a person. */
  #park(run: Run, record: StoredTransaction, owned: boolean, error: UnreadableRecord): void {
    this.#d.logger.error({ gid: run.key.gid, error: error.message }, 'a record cannot be read: it needs a person');
    this.#drop(
      run,
      new HoldfastError('internal', `the record of ${run.key.gid} cannot be read: ${error.message}`, {
        gid: run.key.gid,
      }),
    );
    if (!owned) return;
    const { key, status, state, version } = record;
    const item = {
      kind: 'update',
      key,
      writeId: this.#newWriteId(),
      status,
      owner: null,
      dueInMs: null,
      attention: true,
      state,
      expectVersion: version,
    } as const;
    this.#d.committer.enqueue(item, run.id, true, () => {});
  }

  #markDirty(run: Run): void {
    this.#dirty.set(run.id, run);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#d.clock.setTimer(this.#d.options.progressFlushMs, () => this.#flush());
  }

  #forget(run: Run): void {
    run.phase = 'gone';
    run.timer?.cancel();
    const left = this.#leftMeanwhile;
    left?.set(run.id, Math.max(run.version, left.get(run.id) ?? 0));
    this.#dirty.delete(run.id);
    if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
  }

  /** Gives up a run: whoever waits hears why. */
  #drop(run: Run, error: HoldfastError): void {
    const replies = [...run.queue.flatMap((delivery) => delivery.reply ?? []), ...run.passWaiters];
    run.queue = [];
    run.passWaiters = [];
    this.#forget(run);
    for (const reply of replies) reply.failed(error);
    if (run.claimed !== undefined && this.#d.session.leaseHeld()) this.#adopt(run.claimed);
  }
}

/** The step that asked for a write. */
interface Cause {
  readonly before: Transaction;
  readonly delivery: Delivery;
  readonly effects: Effects;
}

interface Write {
  readonly run: Run;
  readonly transaction: Transaction;
  /** Undefined when it is for progress alone. */
  readonly cause: Cause | undefined;
  /** This session owns the record afterwards. */
  readonly hold: boolean;
  readonly dueInMs: number | null;
  readonly writeId: string;
}

const isAnswer = ({ kind }: TransactionEvent): boolean => kind === 'answered' || kind === 'checked';

/** The entry by which the node that drives a transaction hears of an order. To abort what is aborting already is to drive it at once. */
function orderOf(event: TransactionEvent, { state }: Transaction, writeId: string): Entry | undefined {
  if (event.kind === 'abort' && state.status === 'submitted') return encodeAbortOrder(event.reason);
  return event.kind === 'abort' || event.kind === 'retry' ? encodeRetryOrder(writeId) : undefined;
}

/**
 * Whether an event on a transaction that another node drives is decided here, which ends that node's possession. While it is prepared its node only asks
 * the client; the client's word counts more, but to prepare it again is no word and must not start another question.
 */
const takesOver = (event: TransactionEvent, { state }: Transaction): boolean =>
  event.kind === 'stop' ||
  event.kind === 'ended' ||
  event.kind === 'park' ||
  (state.status === 'prepared' && event.kind !== 'prepared');

const resumed = (claims: number, abort: string | undefined): TransactionEvent =>
  abort === undefined ? { kind: 'resumed', claims } : { kind: 'resumed', claims, abort };

/** The order to abort that another node stored. */
const ordered = (reason: string): TransactionEvent => ({ kind: 'abort', reason, byOperator: true });

const dueIn = (wakeAtMs: number | null, nowMs: number): number | null =>
  wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs);
