/**
 * A cache of two generations: when the young one is full, the old one is dropped. So recently used
 * values stay without bookkeeping per access.
 */
export class RecentlyUsed<T> {
  readonly #halfSize: number;
  readonly #create: (key: string) => T;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  /** @param create makes the value of a key that is not cached */
  constructor(size: number, create: (key: string) => T) {
    this.#halfSize = Math.max(1, Math.floor(size / 2));
    this.#create = create;
  }

  of(key: string): T {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const value = this.#old.get(key) ?? this.#create(key);
    if (this.#young.size >= this.#halfSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }

  /** Current number of entries. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
