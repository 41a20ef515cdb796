import { isFinal, logTextOfThrown, type TransactionKey } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Store } from '../store/store.ts';
import { idOf } from './run.ts';

interface Waiter {
  readonly end: () => void;
}

/** A transaction that callers wait for. */
interface Awaited {
  readonly key: TransactionKey;
  readonly waiters: Set<Waiter>;
  /** Version of its record when it was last read; undefined: not read yet. */
  version: number | undefined;
}

interface FinalWaitersDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this node drives the transaction, and will notify the waiters. */
  readonly drivenHere: (id: string) => boolean;
}

const POLL_MS = 100;
/** Versions read by one poll. If there are more, they take turns. */
const POLL_BATCH = 2_000;
/** Records read at once because their versions have changed. */
const READ_BATCH = 32;

/**
 * Callers that wait until a transaction is final. For transactions driven by other nodes the store
 * is polled in batches: their versions, which are cheap to read, and a record only when its version
 * has changed. A poll is bounded, whatever the number of waiters.
 */
export class FinalWaiters {
  readonly #d: FinalWaitersDependencies;
  readonly #byId = new SlotMap<Awaited>();
  #polling = false;
  #count = 0;
  #ended = false;
  /** Where the next poll begins, if there are more transactions than one poll reads. */
  #turn = 0;

  constructor(dependencies: FinalWaitersDependencies) {
    this.#d = dependencies;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Resolves when the transaction is final, after `timeoutMs`, or when the signal aborts; at once
   * if this node is stopping.
   */
  wait(key: TransactionKey, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const id = idOf(key);
      const awaited = this.#byId.get(id) ?? { key, waiters: new Set(), version: undefined };
      const { waiters } = awaited;
      const timer = this.#d.clock.setTimer(timeoutMs, () => waiter.end());
      const waiter: Waiter = {
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
      this.#byId.set(id, awaited);
      this.#count++;
      signal?.addEventListener('abort', waiter.end);
      if (signal?.aborted === true) return waiter.end();
      if (!this.#polling) this.#pollLater();
    });
  }

  /** Releases the waiters of a transaction whose final status is durable. */
  notify(id: string): void {
    for (const waiter of [...(this.#byId.get(id)?.waiters ?? [])]) waiter.end();
  }

  /**
   * Ends all waits, and every later wait at once: this node is stopping, and callers may wait again
   * while the store is still open.
   */
  endAll(): void {
    this.#ended = true;
    for (const { waiters } of this.#byId.values()) for (const waiter of [...waiters]) waiter.end();
  }

  #pollLater(): void {
    this.#polling = true;
    this.#d.clock.setTimer(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    const queried = this.#byTurns(this.#byId.values().filter(({ key }) => !this.#d.drivenHere(idOf(key))));
    try {
      if (queried.length > 0) {
        const versions = await this.#d.store.versions(queried.map(({ key }) => key));
        const changed = queried.filter((awaited, i) => versions[i] !== undefined && versions[i] !== awaited.version);
        for (let i = 0; i < changed.length; i += READ_BATCH) await this.#read(changed.slice(i, i + READ_BATCH));
      }
    } catch (error) {
      this.#d.logger.warn(
        { error: logTextOfThrown(error) },
        'could not check whether awaited transactions are finished',
      );
    }
    this.#polling = false;
    if (this.#byId.size > 0) this.#pollLater();
  }

  async #read(changed: readonly Awaited[]): Promise<void> {
    const records = await this.#d.store.get(changed.map(({ key }) => key));
    for (const [i, awaited] of changed.entries()) {
      const record = records[i];
      if (record === undefined) continue;
      awaited.version = record.version;
      if (isFinal(record.status)) this.notify(idOf(awaited.key));
    }
  }

  #byTurns(all: readonly Awaited[]): readonly Awaited[] {
    if (all.length <= POLL_BATCH) return all;
    const from = this.#turn % all.length;
    this.#turn = from + POLL_BATCH;
    return [...all, ...all].slice(from, from + POLL_BATCH);
  }
}
