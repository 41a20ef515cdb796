/**
 * A map for frequent insertion and deletion. A `Map` that keeps growing and shrinking replaces its
 * table repeatedly, and V8 links each replaced table to its successor: once a table is in the old
 * generation of the heap, all its successors, and the values that they contain, stay alive until
 * the next full collection. Here the table contains numbers of places instead, and a place is free
 * as soon as its value is deleted.
 */
export class SlotMap<V extends object> {
  readonly #places = new Map<string, number>();
  readonly #values: (V | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  get(key: string): V | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#values[place];
  }

  set(key: string, value: V): void {
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, (place = this.#free.pop() ?? this.#values.length));
    this.#values[place] = value;
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#values[place] = undefined;
    this.#free.push(place);
  }

  /** A copy of the current values; later changes are not included. */
  values(): V[] {
    return this.#values.filter((value) => value !== undefined);
  }
}
