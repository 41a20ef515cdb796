import { HoldfastError, isAnonymous, isFinal, type TransactionKey } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type { TransactionView } from '../coordinator.ts';
import type { Clock, Logger } from '../environment.ts';
import { SlotMap } from '../slot-map.ts';
import type { Store } from '../store/store.ts';
import { unknownGid } from './errors.ts';
import { fromStore } from './from-store.ts';
import { viewOf } from './records.ts';
import { idOf } from './run.ts';
import { SharedReads } from './shared-reads.ts';
import { type Polled, VERSION_POLL_MS, VersionPoll } from './version-poll.ts';

interface StateWatchersDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this node drives the transaction, and will report its writes. */
  readonly drivenHere: (id: string) => boolean;
  /** Maximum number of transactions that callers watch, each counted once for each caller. */
  readonly maxWatched: number;
}

/** Who watches. */
export type WatchCaller = Partial<Pick<CallContext, 'connection' | 'principal' | 'signal'>>;

/**
 * Of `maxWatched`, what one principal may watch, and what callers may watch over one connection.
 * Anonymous callers are distinguished by their connections only.
 */
const SHARES = { principal: 1 / 2, connection: 1 / 4 } as const;

/** A transaction to watch. */
export interface WatchedKey {
  readonly key: TransactionKey;
  /** The caller has this version: an unfinished state that is not newer is left out. */
  readonly afterVersion: number;
}

/** A transaction that callers watch. */
interface Watched extends Polled {
  readonly id: string;
  readonly watchers: Set<Watcher>;
}

/** What transactions that callers watch are counted for, apart from the node. */
interface Owner {
  readonly key: object | string;
  readonly kind: keyof typeof SHARES;
}

/** One caller. */
interface Watcher {
  /** Its principal and its connection, if they are known. */
  readonly owners: readonly Owner[];
  /** The last version that it received, of each transaction that it still watches. */
  readonly seen: Map<Watched, number>;
  /** The transactions that may have a newer state, in the order of their changes. */
  readonly changed: Set<Watched>;
  wake: (() => void) | undefined;
  /** The read that it waits for. */
  reading: Promise<TransactionView | undefined> | undefined;
}

/**
 * Of the polls of versions, the one in this number reads also those that no other process changes,
 * as far as this node knows: those that it drives, and all in an exclusive store.
 */
const SLOW_POLL = 1_000 / VERSION_POLL_MS;

/**
 * Callers that receive the states of transactions as they become durable. Keeps no state for them:
 * a change marks the transaction for each of its watchers, and a watcher that is ready for a state
 * reads the latest one. Watchers that are ready at the same time share the read.
 *
 * ST1 The versions that a watcher receives of a transaction increase. States in between may be left
 *     out; the final state never is.
 * ST2 A watch ends when it has delivered the final states of all its transactions.
 * ST3 A transaction whose last watcher has left is forgotten.
 * ST4 A change that one watcher finds by reading is marked for the others.
 */
export class StateWatchers {
  readonly #d: StateWatchersDependencies;
  readonly #byId = new SlotMap<Watched>();
  readonly #poll: VersionPoll<Watched>;
  readonly #reads: SharedReads<TransactionView>;
  readonly #watchers = new Set<Watcher>();
  #count = 0;
  /** By the key of an owner. */
  readonly #countOf = new Map<Owner['key'], number>();
  #polls = 0;
  #isEnded = false;

  constructor(dependencies: StateWatchersDependencies) {
    this.#d = dependencies;
    this.#reads = new SharedReads({ ...dependencies, convert: (record) => viewOf(record) });
    this.#poll = new VersionPoll<Watched>({
      ...dependencies,
      polled: () => this.#polled(),
      isNeeded: () => this.#byId.size > 0,
      changed: (changed, removed) => {
        for (const watched of [...changed, ...removed]) this.#mark(watched);
      },
      failure: 'watched transactions could not be checked for changes',
    });
  }

  /** Number of watched transactions, each counted once for each caller. */
  get count(): number {
    return this.#count;
  }

  /**
   * The states of transactions: first those that differ from what the caller has, then each later
   * one. Ends after their final states, or when the signal aborts. Throws `not_found` for a
   * transaction that does not exist, `overloaded`, `too_many_requests` if its principal or
   * connection watches too many, and `unavailable` if this node is stopping or the store cannot be
   * read.
   */
  async *watch(
    keys: readonly WatchedKey[],
    caller: WatchCaller = {},
  ): AsyncGenerator<TransactionView, void, undefined> {
    const { signal } = caller;
    const owners = ownersOf(caller);
    const watcher: Watcher = { owners, seen: new Map(), changed: new Set(), wake: undefined, reading: undefined };
    const wake = (): void => watcher.wake?.();
    const isAborted = (): boolean => signal?.aborted === true;
    this.#assertRoom(keys, owners);
    for (const wanted of keys) this.#add(watcher, wanted);
    signal?.addEventListener('abort', wake);
    try {
      while (watcher.seen.size > 0 && !isAborted()) {
        if (this.#isEnded) throw leaving();
        const watched = takeFirst(watcher.changed);
        if (watched === undefined) await new Promise<void>((resolve) => (watcher.wake = resolve));
        else {
          const view = await this.#next(watcher, watched);
          if (view !== undefined && !isAborted()) yield view;
        }
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      for (const watched of [...watcher.seen.keys()]) this.#leave(watcher, watched);
      this.#watchers.delete(watcher);
    }
  }

  /** A write of this node was applied. Called for each write, so it must cost nothing. */
  written(id: string): void {
    if (this.#byId.size === 0) return;
    const watched = this.#byId.get(id);
    if (watched !== undefined) this.#mark(watched);
  }

  /** Ends all watches, and every later one: this node is stopping. */
  endAll(): void {
    this.#isEnded = true;
    for (const watcher of this.#watchers) watcher.wake?.();
  }

  #assertRoom(keys: readonly WatchedKey[], owners: readonly Owner[]): void {
    const [first] = keys;
    const details = first === undefined ? {} : { gid: first.key.gid };
    for (const { key, kind } of owners) {
      const most = Math.ceil(this.#d.maxWatched * SHARES[kind]);
      if ((this.#countOf.get(key) ?? 0) + keys.length <= most) continue;
      const caller = kind === 'principal' ? 'one principal' : 'the callers of one connection';
      const fault = `${caller} may watch ${most} transactions of this node at once; watch fewer, or retry later`;
      throw new HoldfastError('too_many_requests', fault, { ...details, retryAfterMs: RETRY_AFTER_MS });
    }
    if (this.#count + keys.length > this.#d.maxWatched)
      throw new HoldfastError('overloaded', `callers watch ${this.#count} transactions already; retry later`, details);
  }

  #counted(owners: readonly Owner[], change: 1 | -1): void {
    this.#count += change;
    for (const { key } of owners) {
      const count = (this.#countOf.get(key) ?? 0) + change;
      if (count === 0) this.#countOf.delete(key);
      else this.#countOf.set(key, count);
    }
  }

  #add(watcher: Watcher, { key, afterVersion }: WatchedKey): void {
    const id = idOf(key);
    const watched = this.#byId.get(id) ?? { id, key, watchers: new Set(), version: undefined };
    this.#byId.set(id, watched);
    watched.watchers.add(watcher);
    watcher.seen.set(watched, afterVersion);
    watcher.changed.add(watched);
    this.#watchers.add(watcher);
    this.#counted(watcher.owners, 1);
    this.#poll.start();
  }

  /** Reads the latest state; undefined if the caller has it. */
  async #next(watcher: Watcher, watched: Watched): Promise<TransactionView | undefined> {
    const read = (watcher.reading = this.#reads.read(watched.id, watched.key));
    const view = await fromStore(() => read);
    const before = watched.version;
    watched.version = view?.version;
    // The polls compare with this version from now on, so that they find the change no more (ST4).
    if (before !== undefined && before !== watched.version) this.#mark(watched, (other) => other.reading !== read);
    watcher.reading = undefined;
    if (view === undefined) throw unknownGid(watched.key.gid);
    const isLast = isFinal(view.status);
    // The final state is sent even if the caller has it, so that a watch always ends with it.
    if (!isLast && view.version <= (watcher.seen.get(watched) ?? 0)) return undefined;
    if (isLast) this.#leave(watcher, watched);
    else watcher.seen.set(watched, view.version);
    return view;
  }

  #leave(watcher: Watcher, watched: Watched): void {
    watcher.seen.delete(watched);
    watcher.changed.delete(watched);
    watched.watchers.delete(watcher);
    this.#counted(watcher.owners, -1);
    if (watched.watchers.size === 0 && this.#byId.get(watched.id) === watched) this.#byId.delete(watched.id);
  }

  #mark(watched: Watched, isConcerned: (watcher: Watcher) => boolean = () => true): void {
    for (const watcher of watched.watchers) {
      if (!isConcerned(watcher)) continue;
      watcher.changed.add(watched);
      watcher.wake?.();
    }
  }

  #polled(): readonly Watched[] {
    const all = this.#byId.values();
    if (this.#polls++ % SLOW_POLL === 0) return all;
    return this.#d.store.capabilities.exclusive ? [] : all.filter(({ id }) => !this.#d.drivenHere(id));
  }
}

const RETRY_AFTER_MS = 1_000;

function ownersOf({ principal, connection }: WatchCaller): readonly Owner[] {
  const owners: Owner[] = [];
  if (principal !== undefined && !isAnonymous(principal))
    owners.push({ key: `principal ${principal.id}`, kind: 'principal' });
  if (connection !== undefined) owners.push({ key: connection, kind: 'connection' });
  return owners;
}

/** Takes the element that was added first. */
function takeFirst<T>(set: Set<T>): T | undefined {
  for (const first of set) {
    set.delete(first);
    return first;
  }
  return undefined;
}

const leaving = (): HoldfastError =>
  new HoldfastError(
    'unavailable',
    'this node is shutting down; watch again on another node, after the last version that was received',
  );
