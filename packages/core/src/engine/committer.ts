import { logTextOfThrown } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import { type Store, StoreError, type WriteItem } from '../store/store.ts';
import {
  ABANDONED,
  type Attempted,
  type BatchResult,
  isUnstorable,
  logFieldsOf,
  Pauses,
  type Pending,
  type WriteResult,
} from './pending.ts';
import { BlockedWrites } from './blocked-writes.ts';
import { SetApart } from './set-apart.ts';
import type { WritePath } from './write-path.ts';

export type { WriteResult } from './pending.ts';

interface CommitterDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  /**
   * Notified of each batch. If a batch fails, it reports whether the store accepts other writes.
   */
  readonly writePath: Pick<WritePath, 'started' | 'succeeded' | 'rejected' | 'failed' | 'takesWrites'>;
  readonly bounds: { readonly batchItems: number; readonly batchBytes: number };
  /** Called for each item that was applied, after its own callback. */
  readonly onApplied?: (id: string) => void;
}

/**
 * Number of consecutive failures, or time since the first of them, after which the store is probed
 * (G5).
 */
const SUSPECT_AFTER = 3;
const SUSPECT_AFTER_MS = 1_000;

/**
 * Group commit. All waiting items go to the store in one batch. The next batch is sent as soon as
 * the previous one has returned; there is no linger timer.
 *
 * G1  A batch holds at most one item per transaction, and is bounded in items and bytes. Items of
 *     one transaction keep their order.
 * G2  A batch whose outcome is unknown is sent again unchanged (the write IDs make that harmless),
 *     before any other batch, until G5 applies.
 * G3  A batch that the store rejects as unstorable or invalid is halved until the item that cannot
 *     be stored is alone. The other items are written.
 * G4  Every item receives exactly one result.
 * G5  A batch that fails three times in a row, or for a second, is set apart if a probe shows that
 *     the store accepts other writes. A batch that cannot be written delays other transactions no
 *     longer than that. If the probe fails as well, the store is unavailable: the batch stays
 *     first, and nothing is abandoned because of it. See `SetApart`.
 * G6  After an unknown outcome, only the outcomes of a later attempt show what was applied. A
 *     rejection does not, since an earlier attempt may have been applied, or may arrive late: the
 *     item is `abandoned`, never `failed`.
 * G7  An item that the store left out of its batch as blocked waits alone. See `BlockedWrites`.
 */
export class Committer {
  readonly #dependencies: CommitterDependencies;
  readonly #apart: SetApart;
  readonly #blocked: BlockedWrites;
  readonly #pauses: Pauses;
  #queue: Pending[] = [];
  #pumping = false;
  /**
   * Incremented when everything is abandoned. A batch of an earlier generation is not sent again.
   */
  #generation = 0;
  /**
   * Number of consecutive failed calls, and when the first of them started, on the monotonic clock.
   */
  #failures = 0;
  #failingSinceMs = 0;

  constructor(dependencies: CommitterDependencies) {
    this.#dependencies = dependencies;
    this.#pauses = new Pauses(dependencies.clock);
    this.#apart = new SetApart({
      ...dependencies,
      // A failure here does not show whether this node can write other items.
      write: (items) => this.#write(items, true),
      takesWrites: () => dependencies.writePath.takesWrites(),
      finish: (batch, result, doubtful, mayWait) => this.#finish(batch, result, doubtful, mayWait),
      onFinished: () => this.#wake(),
    });
    this.#blocked = new BlockedWrites({ ...dependencies, onPauseOver: () => this.#wake() });
  }

  /** Number of items waiting for their batch, including those set apart. */
  get queued(): number {
    return this.#queue.length + this.#apart.size;
  }

  /** Writes an item with the next batch. */
  enqueue(item: WriteItem, id: string, persistent: boolean, done: (result: WriteResult) => void): void {
    this.#queue.push({ item, id, persistent, done });
    this.#wake();
  }

  /** Abandons every item that waits or is being resolved: the session that wrote them has ended. */
  abandon(): void {
    this.#generation++;
    this.#finish(this.#queue.splice(0), ABANDONED);
    this.#apart.abandon();
    this.#blocked.clear();
  }

  #wake(): void {
    if (this.#pumping || !this.#hasWork()) return;
    this.#pumping = true;
    this.#pumpLater();
  }

  #hasWork(): boolean {
    if (this.#apart.size === 0 && this.#blocked.size === 0) return this.#queue.length > 0;
    return this.#queue.some(({ id }) => !this.#mustWait(id));
  }

  /** Whether an earlier item of the transaction is set apart or blocked. */
  #mustWait(id: string): boolean {
    return this.#apart.holds(id) || this.#blocked.holds(id);
  }

  /**
   * Items added in the rest of this event-loop turn join the batch: requests and responses arrive
   * together.
   */
  #pumpLater(): void {
    this.#dependencies.clock.endOfTurn(() => void this.#pump());
  }

  async #pump(): Promise<void> {
    try {
      const batch = this.#takeBatch();
      if (batch.length > 0) await this.#commit(batch, this.#generation, this.#blocked.isDoubtful(batch));
    } finally {
      if (this.#hasWork()) this.#pumpLater();
      else this.#pumping = false;
    }
  }

  #takeBatch(): Pending[] {
    const { batchItems, batchBytes } = this.#dependencies.bounds;
    const ids = new Set<string>();
    const batch: Pending[] = [];
    const later: Pending[] = [];
    let bytes = 0;
    let taken = 0;
    const anyWaits = this.#apart.size > 0 || this.#blocked.size > 0;
    for (const pending of this.#queue) {
      if (batch.length >= batchItems || bytes >= batchBytes) break;
      taken++;
      if (ids.has(pending.id) || (anyWaits && this.#mustWait(pending.id))) {
        later.push(pending);
        continue;
      }
      ids.add(pending.id);
      batch.push(pending);
      bytes += sizeOf(pending.item);
    }
    this.#queue = taken === this.#queue.length ? later : [...later, ...this.#queue.slice(taken)];
    return batch;
  }

  async #commit(batch: readonly Pending[], generation: number, isDoubtful: boolean): Promise<void> {
    const items = batch.map((pending) => pending.item);
    let doubtful = isDoubtful;
    for (;;) {
      if (generation !== this.#generation) return this.#finish(batch, ABANDONED);
      const written = await this.#write(items, false);
      if (!(written instanceof StoreError))
        return this.#finish(batch, written, doubtful, generation === this.#generation);
      const { code } = written;
      // A batch in doubt stays in doubt until a write returns outcomes: that the store cannot be
      // reached now does not show what happened to an earlier attempt.
      doubtful ||= code === 'outcome_unknown';
      if (isUnstorable(written) && batch.length > 1) return this.#bisect(batch, generation, doubtful);
      if (!doubtful) return this.#fail(batch, written, generation);
      if (code !== 'outcome_unknown' && code !== 'unavailable') return this.#finish(batch, ABANDONED);
      if (await this.#isToBlame(batch, written, generation)) return this.#apart.add(batch, true);
      await this.#pauses.pause();
    }
  }

  /** Calls the store once. Resolves to the error if the store threw. */
  async #write(items: readonly WriteItem[], isApart: boolean): Promise<Attempted> {
    const { store, clock, observer, writePath } = this.#dependencies;
    const startedMs = clock.monotonicMs();
    if (!isApart) writePath.started();
    try {
      const outcomes = await store.write(items);
      observer.batchWritten(items.length, clock.monotonicMs() - startedMs, true);
      writePath.succeeded();
      if (!isApart) this.#isWorking();
      return outcomes;
    } catch (thrown) {
      observer.batchWritten(items.length, clock.monotonicMs() - startedMs, false);
      const error =
        thrown instanceof StoreError ? thrown : new StoreError('outcome_unknown', logTextOfThrown(thrown), thrown);
      if (!isApart) this.#isFailing(error, startedMs, items.length);
      return error;
    }
  }

  #isFailing(error: StoreError, sinceMs: number, items: number): void {
    const { writePath } = this.#dependencies;
    // The items are at fault, not the connection to the store.
    if (isUnstorable(error)) return writePath.rejected();
    if (this.#failures++ === 0) this.#failingSinceMs = sinceMs;
    writePath.failed(error, items);
  }

  #isWorking(): void {
    this.#failures = 0;
    this.#pauses.reset();
  }

  /** Whether the batch fails although the store accepts other writes (G5). */
  async #isToBlame(batch: readonly Pending[], error: StoreError, generation: number): Promise<boolean> {
    const { clock, logger, writePath } = this.#dependencies;
    const forMs = clock.monotonicMs() - this.#failingSinceMs;
    if (this.#failures < SUSPECT_AFTER && forMs < SUSPECT_AFTER_MS) return false;
    if (!(await writePath.takesWrites()) || generation !== this.#generation) return false;
    logger.error(
      logFieldsOf(batch, error),
      'a batch fails although the store accepts other writes; retrying its writes separately',
    );
    this.#isWorking();
    return true;
  }

  async #bisect(batch: readonly Pending[], generation: number, doubtful: boolean): Promise<void> {
    const half = batch.length >> 1;
    for (const part of [batch.slice(0, half), batch.slice(half)]) await this.#commit(part, generation, doubtful);
  }

  /**
   * Nothing was applied. Callers receive the error; the states of transactions in progress are
   * written again.
   */
  async #fail(batch: readonly Pending[], error: StoreError, generation: number): Promise<void> {
    const again = isUnstorable(error) ? [] : batch.filter((pending) => pending.persistent);
    this.#finish(again.length === 0 ? batch : batch.filter((pending) => !pending.persistent), {
      kind: 'failed',
      error,
    });
    if (again.length === 0) return;
    if (await this.#isToBlame(again, error, generation)) return this.#apart.add(again, false);
    await this.#pauses.pause();
    if (generation !== this.#generation) return this.#finish(again, ABANDONED);
    this.#queue = [...again, ...this.#queue];
  }

  #finish(batch: readonly Pending[], result: BatchResult, doubtful = true, mayWait = false): void {
    const again: Pending[] = [];
    for (let i = 0; i < batch.length; i++) {
      const pending = batch[i] as Pending;
      // An item without an outcome may have been applied.
      const outcome = 'kind' in result ? result : (result[i] ?? ABANDONED);
      if (outcome.kind !== 'blocked') {
        this.#done(pending, outcome);
        continue;
      }
      const settled = mayWait ? this.#blocked.add(pending, outcome, doubtful) : ABANDONED;
      if (settled === undefined) again.push(pending);
      else this.#done(pending, settled);
    }
    if (again.length > 0) this.#queue = [...again, ...this.#queue];
  }

  /** A callback that throws must not keep the other items from their results. */
  #done(pending: Pending, result: WriteResult): void {
    this.#blocked.forget(pending);
    try {
      pending.done(result);
      if (result.kind === 'applied') this.#dependencies.onApplied?.(pending.id);
    } catch (error) {
      this.#dependencies.logger.error(
        { id: pending.id, error: logTextOfThrown(error) },
        'the callback of a write threw an error',
      );
    }
  }
}

function sizeOf(item: WriteItem): number {
  if (item.kind === 'append') return item.entries.reduce((sum, entry) => sum + entry.body.length, 0);
  return item.state.length + (item.kind === 'insert' ? item.definition.length : 0);
}
