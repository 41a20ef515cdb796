import type { Status, TransactionKey } from '@holdfast/protocol';
import type { Timer } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { StoredTransaction } from '../store/store.ts';
import type { InFlight } from './calls.ts';
import type { Delivery, Reply } from './delivery.ts';
import type { Memory, Ownership } from './memory.ts';
import type { Cause, Known, Open, RunState, Unread, Writing } from './run-state.ts';

/** A record that was read, as a run opens it. */
export type OpenedRecord = Readonly<Omit<Open, 'kind'>>;

/** What appended entries changed in an owned record. */
export type MergedRecord = Readonly<Pick<Open, 'transaction' | 'version' | 'retryCommands'>>;

const NEVER_READ: Unread = { kind: 'unread', version: 0 };
const NO_REPLIES: readonly Reply[] = [];

/**
 * A transaction in this node's memory: being driven, or loaded for a command. Owns its state, the
 * queued events, the callers that wait for the end of a pass, and the timer. Depends on nothing:
 * the engine decides and calls the transitions.
 *
 *     loading ──record read──▶ open ◀──▶ writing ──released · final · lost──▶ gone
 *        │  ▲                   │         │                                    ▲
 *        │  └─────conflict──────┼─────────┤                                    │
 *        │                      └─────────┴──cannot drive───▶ releasing ───────┤
 *        └──damaged, force-stopped──▶ stopping ────────────────────────────────┘
 *
 * While the run is loading or a write is in flight, events queue, so that a pattern steps only on
 * the last durable decision. While the run is releasing, this session still owns the record and
 * drives nothing; events queue until the record is released.
 *
 * RN1  An open run has a transaction, and a record that a claim returned is never left in it: the
 *      run reads again first.
 * RN2  A run that is being released or has left memory has no timer.
 * RN3  A run that has left memory changes its state no more.
 * RN4  An event leaves the queue once, and so does the reply of a caller that waits for a pass.
 */
export class Run implements Memory {
  readonly id: string;
  readonly key: TransactionKey;
  readonly inFlight: InFlight = { calls: 0, onNone: [] };
  #state: RunState;
  #queue: Delivery[] = [];
  #passWaiters: Reply[] | undefined;
  #timer: Timer | undefined;
  #conflicts = 0;
  #foundStatus: Status | undefined;
  #isWorking = false;
  /** The version at the watcher's last check. */
  #watchedVersion = 0;

  private constructor(key: TransactionKey, id: string, state: RunState) {
    this.id = id;
    this.key = key;
    this.#state = state;
  }

  /** The run of a transaction that is not stored yet. */
  static ofNew(transaction: Transaction, group: string, id = idOf(transaction.key)): Run {
    return new Run(transaction.key, id, {
      kind: 'open',
      transaction,
      group,
      version: 0,
      writeId: '',
      ownership: 'none',
      retryCommands: 0,
      suspect: false,
    });
  }

  /** The run of a stored transaction, to be read; `claimed` is the record that a claim returned. */
  static ofStored(key: TransactionKey, claimed?: StoredTransaction, id = idOf(key)): Run {
    return new Run(key, id, { kind: 'loading', known: NEVER_READ, claimed });
  }

  get phase(): RunState['kind'] {
    return this.#state.kind;
  }

  get #known(): Known {
    return this.#state.kind === 'open' ? this.#state : this.#state.known;
  }

  get transaction(): Transaction | undefined {
    const known = this.#known;
    return known.kind === 'open' ? known.transaction : undefined;
  }

  get version(): number {
    return this.#known.version;
  }

  get writeId(): string {
    const known = this.#known;
    return known.kind === 'open' ? known.writeId : '';
  }

  get ownership(): Ownership {
    const known = this.#known;
    return known.kind === 'open' ? known.ownership : 'none';
  }

  get group(): string {
    const known = this.#known;
    return known.kind === 'open' ? known.group : '';
  }

  get retryCommands(): number {
    const known = this.#known;
    return known.kind === 'open' ? known.retryCommands : 0;
  }

  get suspect(): boolean {
    const known = this.#known;
    return known.kind === 'open' && known.suspect;
  }

  get claimed(): StoredTransaction | undefined {
    const state = this.#state;
    return state.kind === 'open' || state.kind === 'gone' ? undefined : state.claimed;
  }

  get conflicts(): number {
    return this.#conflicts;
  }

  get foundStatus(): Status | undefined {
    return this.#foundStatus;
  }

  get queue(): readonly Delivery[] {
    return this.#queue;
  }

  /** Whether events may still have an effect: the run drives its transaction, or will. */
  get isAlive(): boolean {
    const { kind } = this.#state;
    return kind !== 'gone' && kind !== 'releasing';
  }

  /** Whether the run drives its transaction, or writes its end. */
  get isDriving(): boolean {
    const { kind } = this.#state;
    return kind === 'open' || kind === 'writing' || kind === 'stopping';
  }

  // ---- events and replies

  enqueue(delivery: Delivery): void {
    this.#queue.push(delivery);
  }

  /** Queues an event again that was taken from the queue and had no effect. */
  enqueueFirst(delivery: Delivery): void {
    this.#queue.unshift(delivery);
  }

  /** Takes the oldest event. */
  next(): Delivery | undefined {
    return this.#queue.shift();
  }

  /** Takes the oldest `count` events, or all. */
  takeQueue(count = this.#queue.length): readonly Delivery[] {
    return this.#queue.splice(0, count);
  }

  /** Replaces the queue. */
  requeue(queue: Delivery[]): void {
    this.#queue = queue;
  }

  /** Begins to deliver events. Returns false if that is in progress, and delivers them all. */
  beginWork(): boolean {
    if (this.#isWorking) return false;
    this.#isWorking = true;
    return true;
  }

  endWork(): void {
    this.#isWorking = false;
  }

  awaitPass(reply: Reply): void {
    (this.#passWaiters ??= []).push(reply);
  }

  /** Takes the callers that wait for the end of the pass. */
  takePassWaiters(): readonly Reply[] {
    const waiters = this.#passWaiters;
    this.#passWaiters = undefined;
    return waiters ?? NO_REPLIES;
  }

  /** Takes every caller that waits, and discards the queued events. */
  takeReplies(): readonly Reply[] {
    const replies = this.#queue.flatMap(({ reply }) => reply ?? []);
    this.#queue = [];
    return [...replies, ...this.takePassWaiters()];
  }

  /** Replaces the timer, which is cancelled. */
  setTimer(timer: Timer | undefined): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  /** Notes that the timer has expired. */
  timerExpired(): void {
    this.#timer = undefined;
  }

  /** Whether the run was owned, without a write, since the previous call. */
  isQuiet(): boolean {
    const state = this.#state;
    if (state.kind !== 'open' || state.ownership !== 'ours') return false;
    const isQuiet = this.#watchedVersion === state.version;
    this.#watchedVersion = state.version;
    return isQuiet;
  }

  // ---- transitions

  /** Replaces the transaction by the one after a step. */
  stepped(transaction: Transaction): void {
    this.#mustKnow().transaction = transaction;
  }

  /** Begins a write of the transaction. `hold`: this session is to own the record afterwards. */
  write(cause: Cause | undefined, hold: boolean, dueInMs: number | null, writeId: string): Writing {
    const known = this.#mustKnow();
    // Positional parameters and no spread, for speed: this runs for each write.
    return this.#enter({ kind: 'writing', known, claimed: this.claimed, cause, hold, dueInMs, writeId });
  }

  /** The write was applied. */
  applied({ known, hold, writeId }: Writing, version: number): void {
    known.version = version;
    known.writeId = writeId;
    known.ownership = hold ? 'ours' : 'none';
    known.suspect = known.transaction.state.suspicion > 0;
    this.#conflicts = 0;
    this.#enter(known);
  }

  /** The write was not applied, and the run continues as before its step. */
  undo({ known, cause }: Writing): void {
    if (cause !== undefined) known.transaction = cause.before;
    this.#enter(known);
  }

  /** The write lost against another one, which left the record with this status. */
  lost({ known, cause }: Writing, foundStatus: Status | undefined): void {
    if (foundStatus !== undefined) this.#foundStatus = foundStatus;
    if (cause !== undefined) known.transaction = cause.before;
    this.#conflicts++;
    this.load();
  }

  /** The force-stop of a damaged record lost against another write. Returns how many did before. */
  stopLost(): number {
    this.load();
    return this.#conflicts++;
  }

  /** The record is to be read, again if the run knows it. */
  load(): void {
    this.#enter({ kind: 'loading', known: this.#known, claimed: this.claimed });
  }

  /** A claim returned the record. An open run must reconcile at once (RN1). */
  remember(claimed: StoredTransaction): void {
    if (this.#state.kind === 'open') this.load();
    const state = this.#state;
    if (state.kind !== 'open' && state.kind !== 'gone') state.claimed = claimed;
  }

  /** Only entries were appended to the record. */
  merge({ transaction, version, retryCommands }: MergedRecord, queue: Delivery[]): void {
    const known = this.#mustKnow();
    known.transaction = transaction;
    known.version = version;
    known.retryCommands = retryCommands;
    this.#queue = queue;
    this.#enter(known);
  }

  /** The record was read while the run did not own it. */
  open(opened: OpenedRecord, queue: Delivery[]): void {
    const { transaction, group, version, writeId, ownership, retryCommands, suspect } = opened;
    this.#queue = queue;
    this.#enter({ kind: 'open', transaction, group, version, writeId, ownership, retryCommands, suspect });
  }

  /** Notes the version of a record that takes the run out of memory, or that it cannot read. */
  sawVersion(version: number): void {
    const state = this.#state;
    const known = this.#known;
    if (known.kind === 'open') known.version = version;
    else if (state.kind === 'loading' || state.kind === 'releasing' || state.kind === 'stopping')
      state.known = { kind: 'unread', version };
  }

  /** Begins the write that force-stops a damaged record. */
  stop(): void {
    this.#enter({ kind: 'stopping', known: this.#known, claimed: this.claimed });
  }

  /** Begins to release the record. */
  release(): void {
    this.setTimer(undefined);
    this.#enter({ kind: 'releasing', known: this.#known, claimed: this.claimed });
  }

  /** The run leaves memory. */
  leave(): void {
    this.setTimer(undefined);
    if (this.#state.kind !== 'gone') this.#enter({ kind: 'gone', known: this.#known });
  }

  #enter<S extends RunState>(state: S): S {
    if (this.#state.kind === 'gone') throw new Error(`a run that has left memory became ${state.kind}`);
    this.#state = state;
    return state;
  }

  #mustKnow(): Open {
    const known = this.#known;
    if (known.kind !== 'open') throw new Error('the record was not read yet');
    return known;
  }

  /** All that affects the future of the run, for the model checker. */
  snapshot(): object {
    const { phase, transaction, version, writeId, ownership, retryCommands, suspect, claimed, foundStatus } = this;
    const memory = { phase, transaction, version, writeId, ownership, retryCommands, suspect, claimed, foundStatus };
    const waits = { queue: this.#queue, passWaiters: this.#passWaiters ?? NO_REPLIES, inFlight: this.inFlight };
    return { ...memory, ...waits, timer: this.#timer, watchedVersion: this.#watchedVersion };
  }
}

/** A key as a string: namespaces hold no NUL. */
export const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;
