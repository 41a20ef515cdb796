const CHUNK = 512;

/**
 * An ordered set. Adding, removing and finding move O(√n) elements at worst, in chunks small enough
 * not to matter with 100,000s of elements. Elements that compare as 0 are the same.
 */
export class SortedSet<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #chunks: T[][] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  first(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  add(element: T): void {
    const at = Math.min(this.#chunkOf(element), this.#chunks.length - 1);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([element]);
      return;
    }
    const index = this.#indexIn(chunk, element);
    const there = chunk[index];
    if (there !== undefined && this.#compare(there, element) === 0) chunk[index] = element;
    else chunk.splice(index, 0, element);
    if (chunk.length > CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
  }

  delete(element: T): void {
    const at = this.#chunkOf(element);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const index = this.#indexIn(chunk, element);
    const there = chunk[index];
    if (there === undefined || this.#compare(there, element) !== 0) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /**
   * The elements from `start` (all without it), smallest first. The set must not change during the
   * iteration.
   */
  *ascending(start?: T): Generator<T, undefined> {
    let at = start === undefined ? 0 : this.#chunkOf(start);
    let index = start === undefined ? 0 : this.#indexIn(this.#chunks[at] ?? [], start);
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at] ?? [];
      for (; index < chunk.length; index++) yield chunk[index] as T;
    }
  }

  /**
   * The elements below `start` (all without it), largest first. The set must not change during the
   * iteration.
   */
  *descending(start?: T): Generator<T, undefined> {
    let at = start === undefined ? this.#chunks.length : this.#chunkOf(start);
    let index = start === undefined ? 0 : this.#indexIn(this.#chunks[at] ?? [], start);
    for (; at >= 0; at--, index = this.#chunks[at]?.length ?? 0) {
      const chunk = this.#chunks[at] ?? [];
      while (--index >= 0) yield chunk[index] as T;
    }
  }

  /**
   * The first chunk whose last element is not below `element`; the number of chunks if there is
   * none.
   */
  #chunkOf(element: T): number {
    return firstIndex(this.#chunks.length, (i) => this.#compare(this.#chunks[i]?.at(-1) as T, element) >= 0);
  }

  #indexIn(chunk: readonly T[], element: T): number {
    return firstIndex(chunk.length, (i) => this.#compare(chunk[i] as T, element) >= 0);
  }
}

/** Binary search: the smallest index from which on a condition holds. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
