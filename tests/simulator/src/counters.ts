/** Counts events, to show that a simulation covers what it is meant to cover. */
export class Counters {
  readonly #counts = new Map<string, number>();

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  add(others: Readonly<Record<string, number>>): void {
    for (const [what, by] of Object.entries(others)) this.count(what, by);
  }

  /** In alphabetical order of the names. */
  all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
