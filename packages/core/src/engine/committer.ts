import type { Clock, Logger } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import { type Store, StoreError, type WriteItem, type WriteOutcome } from '../store.ts';
import type { WritePath } from './write-path.ts';

/** What became of a write. `failed`: certainly not applied. `abandoned`: this node stopped asking; it may have been applied. */
export type WriteResult =
  WriteOutcome | { readonly kind: 'failed'; readonly error: StoreError } | { readonly kind: 'abandoned' };

interface Pending {
  readonly item: WriteItem;
  readonly id: string;
  /** Sent again when the store could not be reached: nobody waits, and the state must get there. */
  readonly persistent: boolean;
  readonly done: (result: WriteResult) => void;
}

interface CommitterDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: EngineObserver;
  readonly logger: Logger;
  /** Notified of each batch; absent where nobody asks whether the node can write. */
  readonly writePath?: Pick<WritePath, 'succeeded' | 'failed'>;
  readonly bounds: { readonly batchItems: number; readonly batchBytes: number };
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
/** Unknown outcomes in a row after which a batch is halved; each half is tried less often. */
const MAX_UNKNOWN = 10;
const MAX_UNKNOWN_OF_HALF = 2;

/**
 * Group commit. Everything that waits goes to the store in one batch; the next batch leaves as soon as the one before came back, with no linger timer.
 *
 * G1  A batch holds at most one item a transaction, and is bounded in items and bytes; items of one transaction keep their order.
 * G2  A batch whose outcome is unknown is sent again, the same, before any other (the write ids make that harmless).
 * G5  A batch whose outcome stays unknown although the store responds is halved, too: an item at which the store's
 *     driver throws every time ends alone, and is abandoned. All attempts are paced.
 * G3  A batch that the store rejects, or calls invalid, is halved until the item that cannot be stored is alone; its neighbours are written.
 * G4  Every item is answered exactly once.
 */
export class Committer {
  readonly #dependencies: CommitterDependencies;
  #queue: Pending[] = [];
  #pumping = false;
  /** Grows when everything is abandoned; a batch of an older generation is not sent again. */
  #generation = 0;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(dependencies: CommitterDependencies) {
    this.#dependencies = dependencies;
  }

  /** Items waiting for their batch. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Writes an item with the next batch. */
  enqueue(item: WriteItem, id: string, persistent: boolean, done: (result: WriteResult) => void): void {
    this.#queue.push({ item, id, persistent, done });
    if (this.#pumping) return;
    this.#pumping = true;
    this.#pumpLater();
  }

  /** Gives up everything that waits or is being resolved: the session that wrote it is over. */
  abandon(): void {
    this.#generation++;
    const waiting = this.#queue;
    this.#queue = [];
    this.#answer(waiting, { kind: 'abandoned' });
  }

  /** Everything that this turn of the event loop still adds joins the batch: requests and answers come in together. */
  #pumpLater(): void {
    this.#dependencies.clock.endOfTurn(() => void this.#pump());
  }

  async #pump(): Promise<void> {
    try {
      if (this.#queue.length > 0) await this.#commit(this.#takeBatch(), this.#generation);
    } finally {
      if (this.#queue.length > 0) this.#pumpLater();
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
    for (const pending of this.#queue) {
      if (batch.length >= batchItems || bytes >= batchBytes) break;
      taken++;
      if (ids.has(pending.id)) {
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

  async #commit(
    batch: readonly Pending[],
    generation: number,
    doubtful = false,
    mostUnknown = MAX_UNKNOWN,
  ): Promise<void> {
    const items = batch.map((pending) => pending.item);
    let unknown = 0;
    for (;;) {
      if (generation !== this.#generation) return this.#answer(batch, { kind: 'abandoned' });
      const written = await this.#write(items);
      if (!(written instanceof StoreError))
        return batch.forEach((pending, i) => this.#done(pending, written[i] ?? UNANSWERED));
      // Once in doubt, it stays so until the store answers: that it cannot be reached now says nothing about the time before.
      doubtful ||= written.code === 'outcome_unknown';
      unknown = written.code === 'outcome_unknown' ? unknown + 1 : 0;
      const isHopeless = unknown >= mostUnknown;
      if (isHopeless) this.#logHopeless(batch, written);
      if ((isHopeless || isUnstorable(written)) && batch.length > 1) return this.#bisect(batch, generation, doubtful);
      if (isHopeless) return this.#answer(batch, { kind: 'abandoned' });
      if (doubtful && (unknown > 0 || written.code === 'unavailable')) await this.#pause();
      else if (doubtful && !isUnstorable(written)) return this.#answer(batch, { kind: 'abandoned' });
      else return this.#fail(batch, written, generation);
    }
  }

  /** One call of the store; answers what it threw. */
  async #write(items: readonly WriteItem[]): Promise<readonly WriteOutcome[] | StoreError> {
    const { store, clock, observer, writePath } = this.#dependencies;
    const startedMs = clock.monotonicMs();
    try {
      const outcomes = await store.write(items);
      observer.batchWritten(items.length, clock.monotonicMs() - startedMs, true);
      this.#pauseMs = FIRST_PAUSE_MS;
      writePath?.succeeded();
      return outcomes;
    } catch (thrown) {
      observer.batchWritten(items.length, clock.monotonicMs() - startedMs, false);
      const error = thrown instanceof StoreError ? thrown : new StoreError('outcome_unknown', String(thrown), thrown);
      if (!isUnstorable(error)) writePath?.failed(error, items.length);
      return error;
    }
  }

  async #bisect(batch: readonly Pending[], generation: number, doubtful: boolean): Promise<void> {
    const half = batch.length >> 1;
    for (const part of [batch.slice(0, half), batch.slice(half)])
      await this.#commit(part, generation, doubtful, doubtful ? MAX_UNKNOWN_OF_HALF : MAX_UNKNOWN);
  }

  #logHopeless(batch: readonly Pending[], error: StoreError): void {
    const cause = error.cause instanceof Error ? error.cause.stack : undefined;
    this.#dependencies.logger.error(
      { transactions: batch.length, first: batch[0]?.item.key.gid, error: error.message, cause },
      batch.length > 1
        ? 'the outcome of a batch stays unknown: its halves are written on their own'
        : 'the outcome of a write stays unknown: it is given up',
    );
  }

  /** Nothing was applied: callers hear it, the states of transactions on their way are tried again. */
  async #fail(batch: readonly Pending[], error: StoreError, generation: number): Promise<void> {
    const again = isUnstorable(error) ? [] : batch.filter((pending) => pending.persistent);
    this.#answer(again.length === 0 ? batch : batch.filter((pending) => !pending.persistent), {
      kind: 'failed',
      error,
    });
    if (again.length === 0) return;
    await this.#pause();
    if (generation !== this.#generation) return this.#answer(again, { kind: 'abandoned' });
    this.#queue = [...again, ...this.#queue];
  }

  #answer(batch: readonly Pending[], result: WriteResult): void {
    for (const pending of batch) this.#done(pending, result);
  }

  /** A callback that throws must not keep its neighbours from their results. */
  #done(pending: Pending, result: WriteResult): void {
    try {
      pending.done(result);
    } catch (error) {
      this.#dependencies.logger.error({ id: pending.id, error: String(error) }, 'the callback of a write threw');
    }
  }

  async #pause(): Promise<void> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    await new Promise<void>((resolve) => this.#dependencies.clock.setTimer(pauseMs, resolve));
  }
}

const UNANSWERED: WriteResult = {
  kind: 'failed',
  error: new StoreError('invalid', 'the store left an item unanswered'),
};

/** One item is to blame, and sending it again cannot help. */
const isUnstorable = ({ code }: StoreError): boolean => code === 'rejected' || code === 'invalid';

function sizeOf(item: WriteItem): number {
  if (item.kind === 'append') return item.entries.reduce((sum, entry) => sum + entry.body.length, 0);
  return item.state.length + (item.kind === 'insert' ? item.definition.length : 0);
}
