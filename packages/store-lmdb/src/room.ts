import { statfsSync } from 'node:fs';
import { StoreError } from '@holdfast/core';
import type { Changes } from './changes.ts';

/**
 * Pages that a changed key touches on its way through the tree, at most by this much: most keys of
 * a batch share them.
 */
const BYTES_PER_KEY = 8 * 1_024;
const MOST_BYTES_FOR_KEYS = 32 * 1_024 * 1_024;
/** For the list of free pages, and for what other programs write at the same moment. */
const MARGIN_BYTES = 512 * 1_024;

/** How many bytes a user may still write on the disk of a folder. */
export type FreeBytes = (path: string) => number;

const freeBytes: FreeBytes = (path) => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

/** With so much room a reading counts for `READING_MS`: nothing usual fills it in that time. */
const AMPLE_BYTES = 1_024 * 1_024 * 1_024;
const READING_MS = 10;

/**
 * The room on the disk of a folder. A commit that finds the disk full is not left to lmdb: the
 * message that it then makes is longer than the 100 bytes it has for it (`last_error` in
 * `mdb_page_flush` of lmdb 3.5), which corrupts the heap of the process.
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

  /** Throws `unavailable` when the disk may lack the room for changes. */
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
