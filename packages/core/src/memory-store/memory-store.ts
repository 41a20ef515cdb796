import type { TransactionKey } from '@holdfast/protocol';
import type {
  AppendItem,
  ClaimRequest,
  ClaimResult,
  Heartbeat,
  ListQuery,
  MakeDueRequest,
  MakeDueResult,
  Page,
  PurgeRequest,
  SchemaVersions,
  SessionId,
  SessionInfo,
  SessionRow,
  Store,
  StoreCounts,
  StoredTransaction,
  TakeOverRequest,
  TakeOverResult,
  WriteItem,
  WriteOutcome,
} from '../store/store.ts';
import { decodeListCursor, encodeListCursor } from '../store/cursor.ts';
import { passesFilter, summaryOf } from '../store-kit/list-filter.ts';
import { MemoryKeyValues } from './key-values.ts';
import { type MemoryRecord, MemoryRecords, type Position } from './records.ts';
import { NodeClock } from '../store-kit/node-clock.ts';
import { bodyBytes, Room } from '../store-kit/room.ts';
import { SessionTable } from '../store-kit/session-table.ts';
import * as transitions from '../store-kit/transitions.ts';

/** Number of records that one list examines: a few milliseconds, during which nothing else runs. */
const LOOKED_AT = 5_000;

/**
 * The reference implementation of the Store contract, for tests, simulations and trials. Its data
 * is lost at exit. One instance may serve several nodes: wrap it in a `CheckedStore` for each.
 * Every call is atomic, because it does all its work synchronously.
 */
export class MemoryStore implements Store {
  readonly capabilities = { name: 'memory', durable: false, exclusive: false };
  readonly #clock: NodeClock;
  readonly #records = new MemoryRecords();
  readonly #sessions = new SessionTable();
  readonly #keyValues = new MemoryKeyValues();

  /**
   * @param wallMs milliseconds since the epoch; may jump, but the store's time never goes back
   * @param monotonicMs advances the store's time while the wall clock is behind; by default the
   * store's time stops for as long as the wall clock is behind
   */
  constructor(wallMs: () => number, monotonicMs: () => number = () => 0) {
    this.#clock = new NodeClock(wallMs, monotonicMs);
  }

  /** The store is new in each process. */
  async open(): Promise<SchemaVersions> {
    return { found: 0, current: 1 };
  }

  async close(idle?: Promise<void>): Promise<void> {
    await idle;
  }

  #now(): number {
    return this.#clock.nowMs();
  }

  async nowMs(): Promise<number> {
    return this.#now();
  }

  async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const nowMs = this.#now();
    return batch.map((item) => this.#writeItem(item, nowMs));
  }

  #writeItem(item: WriteItem, nowMs: number): WriteOutcome {
    const record = this.#records.get(item.key);
    switch (item.kind) {
      case 'insert': {
        if (record !== undefined) return transitions.insertOverExisting(item, record.head);
        const definition = item.definition.slice();
        return this.#put({
          head: transitions.inserted(item, nowMs),
          definition,
          state: item.state.slice(),
          entries: [],
        });
      }
      case 'update': {
        const refused = transitions.updateRefused(item, record?.head);
        if (refused !== undefined || record === undefined) return refused ?? { kind: 'missing' };
        return this.#put({ ...record, head: transitions.updated(item, record.head, nowMs), state: item.state.slice() });
      }
      case 'append':
        return this.#append(item, record, nowMs);
    }
  }

  #append(item: AppendItem, record: MemoryRecord | undefined, nowMs: number): WriteOutcome {
    const there = new Map(record?.entries.map((entry) => [entry.key, entry]));
    const existing = item.entries.flatMap((entry) => there.get(entry.key) ?? []);
    const refused = transitions.appendRefused(item, record?.head, existing, () =>
      transitions.sumOfBodies(record?.entries ?? []),
    );
    if (refused !== undefined || record === undefined) return refused ?? { kind: 'missing' };
    const added = item.entries.flatMap(({ key, body }) => (there.has(key) ? [] : { key, body: body.slice() }));
    const head = transitions.appended(item, record.head, added.length, nowMs);
    this.#put({ ...record, head, entries: [...record.entries, ...added] });
    return transitions.applied(head.version, existing);
  }

  #put(record: MemoryRecord): WriteOutcome {
    this.#records.put(record);
    return transitions.applied(record.head.version);
  }

  async get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    return keys.map((key) => this.#stored(key));
  }

  async versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    return keys.map((key) => this.#records.get(key)?.head.version);
  }

  #stored(key: TransactionKey): StoredTransaction | undefined {
    const record = this.#records.get(key);
    return record && transitions.storedTransaction(record.head, record.definition, record.state, record.entries);
  }

  async list(query: ListQuery): Promise<Page<StoredTransaction>> {
    const items: StoredTransaction[] = [];
    const room = new Room(query.limit, query.maxBytes);
    let looked = 0;
    let last: { readonly createdAtMs: number; readonly gid: string } | undefined;
    for (const { gid } of this.#candidates(query)) {
      const record = this.#stored({ namespace: query.namespace, gid });
      if (record === undefined) continue;
      const passes = passesFilter(record, query);
      const item = query.summary === true ? summaryOf(record) : record;
      const isFull = looked++ === LOOKED_AT || (passes && !room.take(bodyBytes(item)));
      if (isFull && last !== undefined) return { items, next: encodeListCursor(last) };
      last = { createdAtMs: record.createdAtMs, gid };
      if (passes) items.push(item);
    }
    return { items, next: null };
  }

  *#candidates(query: ListQuery): Generator<{ readonly gid: string }> {
    const { namespace, gid, cursor, createdFromMs = 0, createdToMs = Infinity } = query;
    const after = cursor === undefined ? undefined : decodeListCursor(cursor);
    const below: Position = { atMs: after?.createdAtMs ?? Infinity, namespace, gid: after?.gid ?? '' };
    const end: Position = { atMs: createdToMs + 1, namespace, gid: '' };
    if (gid !== undefined) {
      if (after === undefined) yield { gid };
      return;
    }
    for (const at of this.#records.newestFirst(namespace, end.atMs < below.atMs ? end : below)) {
      if (at.atMs < createdFromMs) return;
      yield at;
    }
  }

  async count(namespace?: string): Promise<StoreCounts> {
    return this.#records.count(namespace);
  }

  async claimDue(request: ClaimRequest): Promise<ClaimResult> {
    if (!this.#sessions.isLiving(request.session)) return { claimed: [], nextDueInMs: null, sessionEnded: true };
    const nowMs = this.#now();
    const groups = [...new Set(['', ...request.groups])];
    const claimed: StoredTransaction[] = [];
    let next = this.#earliestDue(groups);
    const room = new Room(request.limit, request.maxBytes);
    while (next !== undefined && next.atMs <= nowMs && this.#fits(room, next)) {
      this.#change(next, (head) => transitions.claimed(head, request.session, nowMs));
      claimed.push(this.#stored(next) as StoredTransaction);
      next = this.#earliestDue(groups);
    }
    return { claimed, nextDueInMs: next === undefined ? null : Math.max(0, next.atMs - nowMs), sessionEnded: false };
  }

  #fits(room: Room, key: TransactionKey): boolean {
    const record = this.#records.get(key);
    return record !== undefined && room.take(bodyBytes(record));
  }

  #earliestDue(groups: readonly string[]): Position | undefined {
    const firsts = groups.flatMap((group) => this.#records.due(group).first() ?? []);
    return firsts.reduce<Position | undefined>((a, b) => (a === undefined || b.atMs < a.atMs ? b : a), undefined);
  }

  #change(key: TransactionKey, transition: (head: MemoryRecord['head']) => MemoryRecord['head']): void {
    const record = this.#records.get(key);
    if (record !== undefined) this.#records.put({ ...record, head: transition(record.head) });
  }

  async makeDue({ namespace, laterThanMs, limit }: MakeDueRequest): Promise<MakeDueResult> {
    const nowMs = this.#now();
    const later: Position = { atMs: nowMs + Math.floor(laterThanMs) + 1, namespace: '', gid: '' };
    const found: TransactionKey[] = [];
    for (const group of this.#records.groups())
      for (const at of this.#records.due(group).ascending(later)) {
        if (at.namespace === namespace) found.push(at);
        if (found.length > limit) break;
      }
    const chosen = found.slice(0, limit);
    for (const key of chosen) this.#change(key, (head) => transitions.madeDue(head, nowMs));
    return { count: chosen.length, more: found.length > limit };
  }

  async openSession(session: SessionId, info: SessionInfo): Promise<void> {
    this.#sessions.open(session, info, this.#now());
  }

  async heartbeat(session: SessionId): Promise<Heartbeat> {
    return this.#sessions.heartbeat(session, this.#now());
  }

  async endSession(session: SessionId): Promise<void> {
    this.#sessions.end(session);
  }

  async takeOver(request: TakeOverRequest): Promise<TakeOverResult> {
    const { limit } = request;
    const nowMs = this.#now();
    const ended = this.#sessions.endSilent(request, nowMs);
    const orphans: TransactionKey[] = [];
    for (const key of this.#records.ownedBy((owner) => !this.#sessions.isLiving(owner))) {
      orphans.push(key);
      if (orphans.length > limit) break;
    }
    const chosen = orphans.slice(0, limit);
    for (const key of chosen) this.#change(key, (head) => transitions.madeDue(head, nowMs));
    return { ended, released: chosen.length, more: orphans.length > limit };
  }

  async sessions(): Promise<SessionRow[]> {
    return this.#sessions.rows((session) => this.#records.countOwned(session));
  }

  async purge({ olderThanMs, limit }: PurgeRequest): Promise<number> {
    const before = this.#now() - olderThanMs;
    let purged = 0;
    for (; purged < limit; purged++) {
      const oldest = this.#records.finished().first();
      const record = oldest !== undefined && oldest.atMs < before ? this.#records.get(oldest) : undefined;
      if (record === undefined) break;
      this.#records.remove(record);
    }
    return purged;
  }

  readonly kvGet: Store['kvGet'] = async (id) => this.#keyValues.get(id);
  readonly kvPut: Store['kvPut'] = async (id, value, expectVersion) =>
    this.#keyValues.put(id, value, expectVersion, this.#now());
  readonly kvDelete: Store['kvDelete'] = async (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
  readonly kvScan: Store['kvScan'] = async (query) => this.#keyValues.scan(query);
}
