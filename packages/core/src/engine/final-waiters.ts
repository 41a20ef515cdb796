import { isFinal, type TransactionKey } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Store } from '../store.ts';
import { idOf } from './run.ts';

interface Waiter {
  readonly key: TransactionKey;
  /** Version of the record at the last poll. */
  seen: number | undefined;
  readonly end: () => void;
}

interface FinalWaitersDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Driven by this node: it will tell. */
  readonly drivenHere: (id: string) => boolean;
}

const POLL_MS = 100;
/** Versions of one read. */
const POLL_BATCH = 500;
/** Whole records of one read. */
const READ_BATCH = 32;

/** Callers who wait until a transaction is final. Those driven by other nodes are asked for in the store, in batches. */
export class FinalWaiters {
  readonly #d: FinalWaitersDependencies;
  readonly #byId = new SlotMap<Set<Waiter>>();
  #polling = false;
  #count = 0;
  #ended = false;

  constructor(dependencies: FinalWaitersDependencies) {
    this.#d = dependencies;
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when the transaction is final, after `timeoutMs`, or when the signal aborts; at once when this node stops. */
  wait(key: TransactionKey, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const id = idOf(key);
      const waiters = this.#byId.get(id) ?? new Set();
      const timer = this.#d.clock.setTimer(timeoutMs, () => waiter.end());
      const waiter: Waiter = {
        key,
        seen: undefined,
        end: () => {
          if (!waiters.delete(waiter)) return;
          this.#count--;
          if (waiters.size === 0) this.#byId.delete(id);
          timer.cancel();
          signal?.removeEventListener('abort', waiter.end);
          resolve();
        },
      };
      waiters.add(waiter);
      this.#byId.set(id, waiters);
      this.#count++;
      signal?.addEventListener('abort', waiter.end);
      if (signal?.aborted === true) return waiter.end();
      if (!this.#polling) this.#pollLater();
    });
  }

  /** The transaction's final status is durable. */
  notify(id: string): void {
    for (const waiter of [...(this.#byId.get(id) ?? [])]) waiter.end();
  }

  /** Nobody waits any longer, nor begins to (those who are answered may ask again while the store is still open): this node stops. */
  endAll(): void {
    this.#ended = true;
    for (const waiters of this.#byId.values()) for (const waiter of [...waiters]) waiter.end();
  }

  #pollLater(): void {
    this.#polling = true;
    this.#d.clock.setTimer(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    const first = this.#byId.values().flatMap((waiters) => [...waiters][0] ?? []);
    const elsewhere = first.filter(({ key }) => !this.#d.drivenHere(idOf(key)));
    try {
      for (let i = 0; i < elsewhere.length; i += POLL_BATCH) await this.#read(elsewhere.slice(i, i + POLL_BATCH));
    } catch (error) {
      this.#d.logger.warn({ error: String(error) }, 'waiting callers could not be answered from the store');
    }
    this.#polling = false;
    if (this.#byId.size > 0) this.#pollLater();
  }

  /** Reads the records that changed since the last poll: whole records are large, versions are not. */
  async #read(waiters: readonly Waiter[]): Promise<void> {
    const { store } = this.#d;
    const versions = await store.versions(waiters.map(({ key }) => key));
    const changed = waiters.filter(({ seen }, i) => versions[i] !== undefined && versions[i] !== seen);
    for (let i = 0; i < changed.length; i += READ_BATCH) {
      const batch = changed.slice(i, i + READ_BATCH);
      for (const [at, record] of (await store.get(batch.map(({ key }) => key))).entries()) {
        const waiter = batch[at];
        if (record === undefined || waiter === undefined) continue;
        if (isFinal(record.status)) this.notify(idOf(record.key));
        else waiter.seen = record.version;
      }
    }
  }
}
