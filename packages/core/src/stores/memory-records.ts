import { STATUSES, type Status, type TransactionKey } from '@holdfast/protocol';
import type { Entry, SessionId, StoreCounts } from '../store.ts';
import { SortedSet } from './sorted-set.ts';
import type { RecordHead } from './transitions.ts';

/** A record in memory; replaced as a whole with each change. */
export interface MemoryRecord {
  readonly head: RecordHead;
  readonly definition: Uint8Array;
  readonly state: Uint8Array;
  readonly entries: readonly Entry[];
}

/** Where a record stands in an index that is ordered by time. */
export interface Position {
  readonly atMs: number;
  readonly namespace: string;
  readonly gid: string;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byPosition = (a: Position, b: Position): number =>
  a.atMs - b.atMs || byText(a.namespace, b.namespace) || byText(a.gid, b.gid);

const position = (head: RecordHead, atMs: number): Position => ({ atMs, ...head.key });
/** Neither holds a NUL, so no two keys give the same text. */
const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;

interface Counters {
  readonly byStatus: Record<Status, number>;
  attention: number;
}

const noCounts = (): Counters => ({
  byStatus: Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>,
  attention: 0,
});

/** The records of a memory store and the indexes over them, which every change keeps right. */
export class MemoryRecords {
  readonly #records = new Map<string, MemoryRecord>();
  /** By namespace: every record, by the time of its creation. */
  readonly #created = new Map<string, SortedSet<Position>>();
  /** By application group: what waits, by due time. */
  readonly #due = new Map<string, SortedSet<Position>>();
  readonly #owned = new Map<SessionId, Map<string, TransactionKey>>();
  readonly #finished = new SortedSet<Position>(byPosition);
  readonly #counts = new Map<string, Counters>();

  get(key: TransactionKey): MemoryRecord | undefined {
    return this.#records.get(idOf(key));
  }

  /** Adds a record, or puts it in the place of the one with its key. */
  put(record: MemoryRecord): void {
    const before = this.#records.get(idOf(record.head.key));
    if (before === undefined)
      this.#createdIn(record.head.key.namespace).add(position(record.head, record.head.createdAtMs));
    else this.#unindex(before.head);
    this.#records.set(idOf(record.head.key), record);
    this.#index(record.head);
  }

  remove({ head }: MemoryRecord): void {
    this.#unindex(head);
    this.#createdIn(head.key.namespace).delete(position(head, head.createdAtMs));
    this.#records.delete(idOf(head.key));
  }

  /** The application groups that something may wait for. */
  groups(): Iterable<string> {
    return this.#due.keys();
  }

  /** What waits for a group, by due time. */
  due(group: string): SortedSet<Position> {
    return inMap(this.#due, group, () => new SortedSet(byPosition));
  }

  /** What finished, by the time of it. */
  finished(): SortedSet<Position> {
    return this.#finished;
  }

  /** The records of a namespace below a position, newest first. */
  newestFirst(namespace: string, below?: Position): Iterable<Position> {
    return this.#createdIn(namespace).descending(below);
  }

  /** Keys of what is owned by sessions that a condition holds for. */
  *ownedBy(holds: (owner: SessionId) => boolean): Generator<TransactionKey> {
    for (const [owner, keys] of this.#owned) if (holds(owner)) yield* keys.values();
  }

  countOwned(owner: SessionId): number {
    return this.#owned.get(owner)?.size ?? 0;
  }

  count(namespace?: string): StoreCounts {
    const sum = noCounts();
    for (const counts of namespace === undefined ? this.#counts.values() : [this.#countsOf(namespace)]) {
      for (const status of STATUSES) sum.byStatus[status] += counts.byStatus[status];
      sum.attention += counts.attention;
    }
    return sum;
  }

  #index(head: RecordHead): void {
    this.#count(head, 1);
    if (head.dueAtMs !== null) this.due(head.group).add(position(head, head.dueAtMs));
    if (head.finishedAtMs !== null) this.#finished.add(position(head, head.finishedAtMs));
    if (head.owner !== null) inMap(this.#owned, head.owner, () => new Map()).set(idOf(head.key), head.key);
  }

  #unindex(head: RecordHead): void {
    this.#count(head, -1);
    if (head.dueAtMs !== null) this.due(head.group).delete(position(head, head.dueAtMs));
    if (head.finishedAtMs !== null) this.#finished.delete(position(head, head.finishedAtMs));
    if (head.owner !== null) {
      const keys = this.#owned.get(head.owner);
      keys?.delete(idOf(head.key));
      if (keys?.size === 0) this.#owned.delete(head.owner);
    }
  }

  #count(head: RecordHead, by: 1 | -1): void {
    const counts = this.#countsOf(head.key.namespace);
    counts.byStatus[head.status] += by;
    if (head.attention) counts.attention += by;
  }

  #countsOf(namespace: string): Counters {
    return inMap(this.#counts, namespace, noCounts);
  }

  #createdIn(namespace: string): SortedSet<Position> {
    return inMap(this.#created, namespace, () => new SortedSet(byPosition));
  }
}

/** The value at a key, made when it is not there. */
function inMap<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
