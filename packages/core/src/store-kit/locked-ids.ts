/** Maximum number of records remembered as locked. */
const MOST = 10_000;

/**
 * The records that other clients of the database had locked when a batch met them, by ID. A store
 * driver checks these before its next batch, which would otherwise wait for their locks again.
 */
export class LockedIds {
  readonly #ids = new Set<string>();

  /** The items whose record was locked; empty, at no cost, while no record is remembered. */
  amongst<T>(items: readonly T[], idOf: (item: T) => string): readonly T[] {
    return this.#ids.size === 0 ? [] : items.filter((item) => this.#ids.has(idOf(item)));
  }

  /** Records whether a record is locked. Beyond the limit, further records are not remembered. */
  note(id: string, isLocked: boolean): void {
    if (!isLocked) this.#ids.delete(id);
    else if (this.#ids.size < MOST) this.#ids.add(id);
  }
}
