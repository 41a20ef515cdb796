import { STATUSES, type Status } from '@holdfast/protocol';
import type { StoreCounts } from '../store/store.ts';

/** The properties of a record that the counts of a store depend on. */
export interface CountedState {
  readonly status: Status;
  readonly attention: boolean;
}

type Counted = Status | 'attention';

/** What is counted, in the order in which a store may keep the numbers: it never changes. */
export const COUNTED: readonly Counted[] = ['prepared', 'submitted', 'aborting', 'succeed', 'failed', 'attention'];
const ATTENTION = COUNTED.indexOf('attention');

/** The counts of a store, each read by its name. */
export const countsOf = (read: (name: Counted) => number): StoreCounts => ({
  byStatus: Object.fromEntries(STATUSES.map((status) => [status, read(status)])) as StoreCounts['byStatus'],
  attention: read('attention'),
});

/** The counts of a store from numbers in the order of `COUNTED`, added up. */
export const sumOfCounts = (counts: Iterable<readonly number[]>): StoreCounts => {
  const sums = COUNTED.map(() => 0);
  for (const numbers of counts) numbers.forEach((number, i) => (sums[i] = (sums[i] ?? 0) + number));
  return countsOf((name) => sums[COUNTED.indexOf(name)] ?? 0);
};

/** Numbers of records by namespace, each a list in the order of `COUNTED`. */
export class CountsByNamespace {
  readonly #counts = new Map<string, number[]>();

  /**
   * Counts a record that is created (`before` undefined), changed, or deleted (`after` undefined).
   */
  note(namespace: string, before: CountedState | undefined, after: CountedState | undefined): void {
    let counts = this.#counts.get(namespace);
    if (counts === undefined) this.#counts.set(namespace, (counts = COUNTED.map(() => 0)));
    if (before !== undefined) add(counts, before, -1);
    if (after !== undefined) add(counts, after, 1);
  }

  of(namespace: string): readonly number[] {
    return this.#counts.get(namespace) ?? COUNTED.map(() => 0);
  }

  entries(): IterableIterator<[namespace: string, counts: readonly number[]]> {
    return this.#counts.entries();
  }

  values(): IterableIterator<readonly number[]> {
    return this.#counts.values();
  }
}

function add(counts: number[], { status, attention }: CountedState, by: 1 | -1): void {
  const at = COUNTED.indexOf(status);
  counts[at] = (counts[at] ?? 0) + by;
  if (attention) counts[ATTENTION] = (counts[ATTENTION] ?? 0) + by;
}
