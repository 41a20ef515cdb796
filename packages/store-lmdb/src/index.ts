import { CheckedStore, type Store } from '@holdfast/core/store';
import { LmdbStore } from './lmdb-store.ts';

/** Settings of the embedded store. */
export interface LmdbStoreOptions {
  /**
   * The directory for the data. Created, accessible to its user alone, if it is missing and its
   * parent exists.
   */
  readonly path: string;
  /**
   * Wall clock, milliseconds since the epoch. The clock may jump: the store's time never goes back,
   * not even over a restart.
   */
  readonly wallMs?: () => number;
  /** Monotonic clock in ms, which advances the store's time while the wall clock is behind. */
  readonly monotonicMs?: () => number;
  /**
   * Called at each `open` for files that other users of the machine could read; they are made
   * private.
   */
  readonly onWarning?: (text: string) => void;
}

/**
 * Creates the embedded store on LMDB, not open yet. Every write is synced to disk before it
 * resolves. One process at a time may have a directory open; `open` throws `locked` for another
 * process, and names the one that has it open.
 */
export const createLmdbStore = ({
  wallMs = Date.now,
  monotonicMs = performance.now.bind(performance),
  ...options
}: LmdbStoreOptions): Store => new CheckedStore(new LmdbStore({ wallMs, monotonicMs, ...options }));
