/**
 * A map for what comes and goes all the time. A `Map` that keeps growing and shrinking replaces its table again and again, and V8 links each replaced table
 * to its successor: once one of them is in the old generation of the heap, all that follow stay alive until the next full collection, and what they held
 * with them. Here the table holds numbers of places instead, and a place is free as soon as its value is deleted.
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

  /** The values as they are now; what changes meanwhile is not seen. */
  values(): V[] {
    return this.#values.filter((value) => value !== undefined);
  }
}
