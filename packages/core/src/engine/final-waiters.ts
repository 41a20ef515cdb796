import { isFinal, type TransactionKey } from '@holdfast/protocol';
import type { Clock, Logger } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Store } from '../store/store.ts';
import { idOf } from './run.ts';
import { type Polled, VersionPoll } from './version-poll.ts';

interface Waiter {
  readonly end: () => void;
}

/** A transaction that callers wait for. */
interface Awaited extends Polled {
  readonly waiters: Set<Waiter>;
}

interface FinalWaitersDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this node drives the transaction, and will notify the waiters. */
  readonly drivenHere: (id: string) => boolean;
}

/** Records read at once because their versions have changed. */
const READ_BATCH = 32;

/**
 * Callers that wait until a transaction is final. For transactions driven by other nodes the
 * versions are polled, and a record is read only when its version has changed.
 */
export class FinalWaiters {
  readonly #d: FinalWaitersDependencies;
  readonly #byId = new SlotMap<Awaited>();
  readonly #poll: VersionPoll<Awaited>;
  #count = 0;
  #ended = false;

  constructor(dependencies: FinalWaitersDependencies) {
    this.#d = dependencies;
    this.#poll = new VersionPoll<Awaited>({
      ...dependencies,
      polled: () => this.#byId.values().filter(({ key }) => !dependencies.drivenHere(idOf(key))),
      isNeeded: () => this.#byId.size > 0,
      changed: (changed) => this.#readAll(changed),
      failure: 'awaited transactions could not be checked for their end',
    });
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
      this.#poll.start();
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

  async #readAll(changed: readonly Awaited[]): Promise<void> {
    for (let i = 0; i < changed.length; i += READ_BATCH) await this.#read(changed.slice(i, i + READ_BATCH));
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
}
