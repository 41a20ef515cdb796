import type { TransactionKey } from '@holdfast/protocol';
import type { Entry, SessionId, StoreCounts } from '../store/store.ts';
import { SortedSet } from './sorted-set.ts';
import { CountsByNamespace, sumOfCounts } from '../store-kit/counts.ts';
import type { RecordHead } from '../store-kit/transitions.ts';

/** A record in memory; every change replaces it as a whole. */
export interface MemoryRecord {
  readonly head: RecordHead;
  readonly definition: Uint8Array;
  readonly state: Uint8Array;
  readonly entries: readonly Entry[];
}

/** The position of a record in an index ordered by time. */
export interface Position {
  readonly atMs: number;
  readonly namespace: string;
  readonly gid: string;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byPosition = (a: Position, b: Position): number =>
  a.atMs - b.atMs || byText(a.namespace, b.namespace) || byText(a.gid, b.gid);

const position = (head: RecordHead, atMs: number): Position => ({ atMs, ...head.key });
/** Neither part contains a NUL, so the IDs of different keys differ. */
const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;

/** The records of a memory store and their indexes, which every change updates. */
export class MemoryRecords {
  readonly #records = new Map<string, MemoryRecord>();
  /** By namespace: every record, by creation time. */
  readonly #created = new Map<string, SortedSet<Position>>();
  /** By application group: waiting records, by due time. */
  readonly #due = new Map<string, SortedSet<Position>>();
  readonly #owned = new Map<SessionId, Map<string, TransactionKey>>();
  readonly #finished = new SortedSet<Position>(byPosition);
  readonly #counts = new CountsByNamespace();

  get(key: TransactionKey): MemoryRecord | undefined {
    return this.#records.get(idOf(key));
  }

  /** Inserts a record, or replaces the record with the same key. */
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

  /** The application groups that may have waiting records. */
  groups(): Iterable<string> {
    return this.#due.keys();
  }

  /** The waiting records of a group, by due time. */
  due(group: string): SortedSet<Position> {
    return inMap(this.#due, group, () => new SortedSet(byPosition));
  }

  /** Finished records, by finish time. */
  finished(): SortedSet<Position> {
    return this.#finished;
  }

  /** The records of a namespace below a position, newest first. */
  newestFirst(namespace: string, below?: Position): Iterable<Position> {
    return this.#createdIn(namespace).descending(below);
  }

  /** Keys of the records owned by sessions for which a condition holds. */
  *ownedBy(holds: (owner: SessionId) => boolean): Generator<TransactionKey> {
    for (const [owner, keys] of this.#owned) if (holds(owner)) yield* keys.values();
  }

  countOwned(owner: SessionId): number {
    return this.#owned.get(owner)?.size ?? 0;
  }

  count(namespace?: string): StoreCounts {
    return sumOfCounts(namespace === undefined ? this.#counts.values() : [this.#counts.of(namespace)]);
  }

  #index(head: RecordHead): void {
    this.#counts.note(head.key.namespace, undefined, head);
    if (head.dueAtMs !== null) this.due(head.group).add(position(head, head.dueAtMs));
    if (head.finishedAtMs !== null) this.#finished.add(position(head, head.finishedAtMs));
    if (head.owner !== null) inMap(this.#owned, head.owner, () => new Map()).set(idOf(head.key), head.key);
  }

  #unindex(head: RecordHead): void {
    this.#counts.note(head.key.namespace, head, undefined);
    if (head.dueAtMs !== null) this.due(head.group).delete(position(head, head.dueAtMs));
    if (head.finishedAtMs !== null) this.#finished.delete(position(head, head.finishedAtMs));
    if (head.owner !== null) {
      const keys = this.#owned.get(head.owner);
      keys?.delete(idOf(head.key));
      if (keys?.size === 0) this.#owned.delete(head.owner);
    }
  }

  #createdIn(namespace: string): SortedSet<Position> {
    return inMap(this.#created, namespace, () => new SortedSet(byPosition));
  }
}

/** The value of a key, created on first use. */
function inMap<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
