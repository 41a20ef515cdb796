import { statfsSync } from 'node:fs';
import { StoreError } from '@holdfast/core/store';
import type { Changes } from './changes.ts';

/**
 * Bound on the pages that a changed key touches on its path through the tree; most keys that are
 * written together share pages.
 */
const BYTES_PER_KEY = 8 * 1_024;
const MOST_BYTES_FOR_KEYS = 32 * 1_024 * 1_024;
/** For the list of free pages, and for concurrent writes of other programs. */
const MARGIN_BYTES = 512 * 1_024;

/** Returns the bytes that this user may still write on the disk of a folder. */
export type FreeBytes = (path: string) => number;

const freeBytes: FreeBytes = (path) => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

/**
 * With more free space than this, a reading is used for `READING_MS`: nothing ordinary fills the
 * disk in that time.
 */
const AMPLE_BYTES = 1_024 * 1_024 * 1_024;
const READING_MS = 10;

/**
 * The free space on the disk of a folder. A commit must not reach lmdb when the disk is full: lmdb
 * then writes a message longer than its buffer of 100 bytes (`last_error` in `mdb_page_flush` of
 * lmdb 3.5), which corrupts the heap of the process.
 */
export class DiskRoom {
  readonly #path: string;
  readonly #free: FreeBytes;
  #left = 0;
  #readMs = -Infinity;

  constructor(path: string, free: FreeBytes = freeBytes) {
    this.#path = path;
    this.#free = free;
  }

  /** Throws `unavailable` if the disk may lack the space for the changes. */
  assertFor({ keys, values }: Changes): void {
    let bytes = MARGIN_BYTES + Math.min(keys.length * BYTES_PER_KEY, MOST_BYTES_FOR_KEYS);
    for (const value of values) bytes += 2 * (value?.length ?? 0);
    const nowMs = performance.now();
    if (this.#left < AMPLE_BYTES || nowMs - this.#readMs >= READING_MS) {
      this.#left = this.#free(this.#path);
      this.#readMs = nowMs;
    }
    if (this.#left < bytes)
      throw new StoreError(
        'unavailable',
        `${this.#left} bytes are free on the disk of ${this.#path}, and a write may need ${bytes}`,
      );
    this.#left -= bytes;
  }
}
