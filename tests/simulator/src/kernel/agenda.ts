/** A scheduled event. */
export interface Entry {
  atMs: number;
  /** Of two events at the same time, the one with the smaller number happens first. */
  order: number;
  run: () => void;
  /** The process to which the event happens; its pause or death affects the event. */
  readonly domain: Domain | undefined;
  cancelled: boolean;
}

/** A process in the simulation: events are held while it is paused, and dropped once it is dead. */
export interface Domain {
  readonly name: string;
  state: 'running' | 'paused' | 'dead';
  /** Events held during the pause. */
  held: Entry[];
}

/** The scheduled events by time: a binary heap. */
export class Agenda {
  readonly #heap: Entry[] = [];

  add(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Takes the next event. */
  next(): Entry | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#sink(last);
    return first;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[at * 2 + 1];
      const right = heap[at * 2 + 2];
      if (left === undefined) break;
      const [child, index] =
        right !== undefined && before(right, left) ? [right, at * 2 + 2] : ([left, at * 2 + 1] as const);
      if (before(entry, child)) break;
      heap[at] = child;
      at = index;
    }
    heap[at] = entry;
  }
}

const before = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
