import type {
  ClaimRequest,
  ClaimResult,
  DeleteOutcome,
  Heartbeat,
  KeyValue,
  KeyValueId,
  KeyValueQuery,
  ListQuery,
  MakeDueRequest,
  MakeDueResult,
  Page,
  PurgeRequest,
  PutOutcome,
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
} from '@holdfast/core/store';
import { Room, SessionTable } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { Changes } from './changes.ts';
import { StoreClock } from './store-clock.ts';
import { countRecords } from './counters.ts';
import * as due from './due.ts';
import { type Durable, DurableWrite } from './write.ts';
import { Environment } from './environment.ts';
import * as keyValues from './key-values.ts';
import { list } from './list.ts';
import { OwnedRecords } from './owned-records.ts';
import { purge } from './purge.ts';
import { Records } from './read.ts';
import { prepareSchema, readVersion } from './schema.ts';
import { applyItem } from './write-items.ts';

interface DriverOptions {
  /** The directory for the data; created if it is missing and its parent exists. */
  readonly path: string;
  /** Milliseconds since the epoch. The clock may jump; the store's time never goes back. */
  readonly wallMs: () => number;
  /** Advances the store's time while the wall clock is behind. */
  readonly monotonicMs: () => number;
  /** Called at each `open` for files that other users of the machine could read. */
  readonly onWarning?: (text: string) => void;
  /** False only in tests that prove that a missing sync is detected. */
  readonly sync?: boolean;
}

/**
 * The store driver for LMDB: one process, one file, one write at a time. Reads run at once, on the
 * last committed data. Wrap it in a `CheckedStore`, which ensures the order of open, calls and
 * close.
 */
export class LmdbStore implements Store {
  readonly capabilities = { name: 'lmdb', durable: true, exclusive: true };
  readonly #options: DriverOptions;
  /** Kept in memory only: sessions end with the process that has the file open. */
  #sessions = new SessionTable();
  #opened: Durable | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  async open(): Promise<SchemaVersions> {
    const { path, wallMs, monotonicMs, sync = true, onWarning } = this.#options;
    const env = await Environment.open({ path, sync, ...(onWarning !== undefined && { onWarning }) });
    try {
      const schema = await prepareSchema(env);
      const store: Durable = {
        env,
        clock: new StoreClock(wallMs, monotonicMs),
        records: new Records(env),
        ownedRecords: new OwnedRecords(),
        changes: new Changes(),
        syncIsDoubtful: false,
      };
      loadMemory(store);
      this.#sessions = new SessionTable();
      this.#opened = store;
      return schema;
    } catch (error) {
      await env.close();
      throw error;
    }
  }

  async close(idle?: Promise<void>): Promise<void> {
    await idle;
    await this.#opened?.env.close();
    this.#opened = undefined;
  }

  get #store(): Durable {
    if (this.#opened === undefined) throw new Error('the driver is used before open or after close');
    return this.#opened;
  }

  /** One write after the other: each sees what the previous one made durable. */
  #inTurn<T>(work: (store: Durable) => Promise<T>): Promise<T> {
    const result = this.#lastWrite.then(() => this.#orAsBefore(work));
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #orAsBefore<T>(work: (store: Durable) => Promise<T>): Promise<T> {
    const store = this.#store;
    try {
      return await work(store);
    } catch (error) {
      loadMemory(store);
      throw error;
    }
  }

  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return this.#inTurn(async (store) => {
      const write = new DurableWrite(store);
      const outcomes = batch.map((item) => applyItem(store, write, item));
      await write.commit();
      return outcomes;
    });
  }

  async get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    return keys.map((key) => this.#store.records.read(key));
  }

  async versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    const { records, ownedRecords } = this.#store;
    return keys.map((key) => {
      const owned = ownedRecords.head(key);
      const place = owned === undefined ? records.find(key) : undefined;
      return (owned ?? (place && records.head(place)))?.version;
    });
  }

  async list(query: ListQuery): Promise<Page<StoredTransaction>> {
    return list(this.#store.env, this.#store.records, query);
  }

  async count(namespace?: string): Promise<StoreCounts> {
    return countRecords(this.#store.env, namespace);
  }

  async claimDue({ session, limit, maxBytes, groups: hosted }: ClaimRequest): Promise<ClaimResult> {
    const { env, clock } = this.#store;
    const groups = [...new Set(['', ...hosted])];
    let next = due.earliestDue(env, groups);
    let claimed: readonly StoredTransaction[] = [];
    // If nothing is due, the call neither waits for other writes nor writes.
    if (next !== undefined && next <= clock.nowMs()) {
      claimed = await this.#inTurn((store) => this.#claimFor(store, session, groups, new Room(limit, maxBytes)));
      next = due.earliestDue(env, groups);
    }
    if (!this.#sessions.isLiving(session)) return { claimed: [], nextDueInMs: null, sessionEnded: true };
    const nextDueInMs = next === undefined ? null : Math.max(0, next - clock.nowMs());
    // Due transactions that were not claimed have records of a later version or damaged ones: this
    // node does not wait for them.
    return {
      claimed,
      nextDueInMs: claimed.length === 0 && nextDueInMs === 0 ? null : nextDueInMs,
      sessionEnded: false,
    };
  }

  async #claimFor(store: Durable, session: SessionId, groups: string[], room: Room): Promise<StoredTransaction[]> {
    return this.#sessions.isLiving(session) ? due.claim(store, session, groups, room) : [];
  }

  makeDue({ namespace, laterThanMs, limit }: MakeDueRequest): Promise<MakeDueResult> {
    return this.#inTurn((store) => due.makeDue(store, namespace, laterThanMs, limit));
  }

  async openSession(session: SessionId, info: SessionInfo): Promise<void> {
    this.#sessions.open(session, info, this.#store.clock.nowMs());
  }

  async heartbeat(session: SessionId): Promise<Heartbeat> {
    return this.#sessions.heartbeat(session, this.#store.clock.nowMs());
  }

  async endSession(session: SessionId): Promise<void> {
    this.#sessions.end(session);
  }

  takeOver(request: TakeOverRequest): Promise<TakeOverResult> {
    return this.#inTurn(async (store) => {
      const ended = this.#sessions.endSilent(request, store.clock.nowMs());
      const isLiving = (owner: SessionId): boolean => this.#sessions.isLiving(owner);
      return { ended, ...(await due.releaseOrphans(store, isLiving, request.limit)) };
    });
  }

  async sessions(): Promise<SessionRow[]> {
    const owned = this.#store.ownedRecords.countByOwner();
    return this.#sessions.rows((session) => owned.get(session) ?? 0);
  }

  async kvGet(id: KeyValueId): Promise<KeyValue | undefined> {
    return keyValues.getKeyValue(this.#store.env, id);
  }

  kvPut(id: KeyValueId, value: string, expectVersion: number): Promise<PutOutcome> {
    return this.#inTurn((store) => keyValues.putKeyValue(store, id, value, expectVersion));
  }

  kvDelete(id: KeyValueId, expectVersion: number): Promise<DeleteOutcome> {
    return this.#inTurn((store) => keyValues.deleteKeyValue(store, id, expectVersion));
  }

  async kvScan(query: KeyValueQuery): Promise<Page<KeyValue>> {
    return keyValues.scanKeyValues(this.#store.env, query);
  }

  purge({ olderThanMs, limit }: PurgeRequest): Promise<number> {
    return this.#inTurn((store) => purge(store, olderThanMs, limit));
  }

  /** Reads the file, so that success means that the file can be read. */
  async nowMs(): Promise<number> {
    const { env, clock } = this.#store;
    readVersion(env);
    return clock.nowMs();
  }
}

/** Loads the data kept in memory from the file. */
function loadMemory({ env, clock, ownedRecords, records }: Durable): void {
  clock.load(env);
  records.forgetEntryBytes();
  ownedRecords.load(env, records);
}
