import { CheckedStore, type Store } from '@holdfast/core';
import { LmdbStore } from './lmdb-store.ts';

/** Settings of the embedded store. */
export interface LmdbStoreOptions {
  /** The directory that holds the data; created, for its user alone, when it is missing and the one around it is there. */
  readonly path: string;
  /**
   * Wall clock, milliseconds since the epoch. It may jump: the store's time never goes back, not
   * even over a restart.
   */
  readonly wallMs?: () => number;
  /** Monotonic clock in ms, by which the store's time continues while the wall clock is behind. */
  readonly monotonicMs?: () => number;
  /** Called at each `open` for files that other users of the machine could read; they are made private. */
  readonly onWarning?: (text: string) => void;
}

/**
 * The embedded store on LMDB, not open yet. Everything is synced to disk before a write answers. One process at a time may have a directory open; `open`
 * throws `locked` for another, and names the one that has it.
 */
export const createLmdbStore = ({
  wallMs = Date.now,
  monotonicMs = performance.now.bind(performance),
  ...options
}: LmdbStoreOptions): Store => new CheckedStore(new LmdbStore({ wallMs, monotonicMs, ...options }));
