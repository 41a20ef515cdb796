import {
  type ClaimRequest,
  type ClaimResult,
  type Heartbeat,
  type ListQuery,
  type MakeDueRequest,
  type MakeDueResult,
  type Page,
  type PurgeRequest,
  type SchemaVersions,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  type Store,
  type StoreCapabilities,
  type StoreCounts,
  type StoredTransaction,
  StoreError,
  type TakeOverRequest,
  type TakeOverResult,
  type WriteItem,
  type WriteOutcome,
} from '@holdfast/core/store';
import { CLOSE_MS, countsOf, within } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { int8Array, textArray } from './arrays.ts';
import { Connection, type Row, type Statement } from './connection.ts';
import { claimDue } from './due.ts';
import { whatACrashMayLose } from './durability.ts';
import { KeyValues } from './key-values.ts';
import { list } from './list.ts';
import { forSessions, type Settings } from './options.ts';
import { refuseTransactionPooling } from './pooler.ts';
import { keyArrays, read } from './read.ts';
import { prepareSchema } from './schema.ts';
import * as statements from './statements/index.ts';
import { StoreClock } from './store-clock.ts';
import { Writer } from './write.ts';

/**
 * The store on PostgreSQL. A node has four connections: for batches; for driving transactions
 * (claims, takeovers, reads); for sessions, whose heartbeats must not wait for a claim or a large
 * record; and for calls that may take long (lists, counts, purges, key-values).
 */
export class PostgresStore implements Store {
  readonly #settings: Settings;
  readonly #batches: Connection;
  readonly #work: Connection;
  readonly #beats: Connection;
  readonly #rest: Connection;
  readonly #clock: StoreClock;
  readonly #keyValues: KeyValues;
  readonly #writer: Writer;
  #durable = true;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#batches = new Connection(settings);
    this.#work = new Connection(settings);
    this.#beats = new Connection(forSessions(settings));
    this.#rest = new Connection(settings);
    this.#clock = new StoreClock(settings.wallMs, settings.monotonicMs);
    this.#keyValues = new KeyValues(this.#rest, this.#clock);
    this.#writer = new Writer(this.#batches, this.#clock);
  }

  /** `durable` is known only after `open`. */
  get capabilities(): StoreCapabilities {
    return { name: 'postgres', durable: this.#durable, exclusive: false };
  }

  async open(): Promise<SchemaVersions> {
    const { place } = this.#rest;
    const { loss, schema } = await this.#rest.alone(async (client) => {
      const found = await whatACrashMayLose(client);
      await this.#work.alone((other) => refuseTransactionPooling(client, other, place));
      return { loss: found, schema: await prepareSchema(client, this.#settings.schema) };
    });
    this.#durable = loss === undefined;
    if (loss !== undefined) this.#settings.onWarning(`PostgreSQL at ${place}: ${loss}`);
    const [row] = await this.#rest.query(statements.LATEST, []);
    this.#clock.seen(Number(row?.['latest'] ?? 0));
    return schema;
  }

  async close(idle?: Promise<void>): Promise<void> {
    await within(CLOSE_MS, idle);
    await Promise.all([this.#batches, this.#work, this.#beats, this.#rest].map((connection) => connection.close()));
  }

  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return this.#writer.write(batch);
  }

  get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    return read(this.#work, keys);
  }

  async versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    const rows = await this.#work.query(statements.VERSIONS, keyArrays(keys));
    return rows.map(({ version }) => (typeof version === 'number' ? version : undefined));
  }

  list(query: ListQuery): Promise<Page<StoredTransaction>> {
    return list(this.#rest, (keys, summary) => read(this.#rest, keys, summary), query);
  }

  async count(namespace?: string): Promise<StoreCounts> {
    const [row] = await (namespace === undefined
      ? this.#rest.query(statements.COUNT_ALL, [])
      : this.#rest.query(statements.COUNT, [namespace]));
    return countsOf((name) => Number(row?.[name]));
  }

  claimDue(request: ClaimRequest): Promise<ClaimResult> {
    return claimDue(this.#work, this.#clock, request);
  }

  async makeDue({ namespace, laterThanMs, limit }: MakeDueRequest): Promise<MakeDueResult> {
    const values = [namespace, Math.floor(laterThanMs), limit];
    const [row] = await this.#timed(this.#rest, statements.MAKE_DUE, values);
    return { count: Number(row?.['count']), more: Number(row?.['found']) > limit };
  }

  async openSession(session: SessionId, { node, version }: SessionInfo): Promise<void> {
    const rows = await this.#timed(this.#beats, statements.OPEN_SESSION, [session, node, version]);
    if (rows.length === 0) throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
  }

  async heartbeat(session: SessionId): Promise<Heartbeat> {
    const [row] = await this.#timed(this.#beats, statements.HEARTBEAT, [session]);
    const last = row?.['last'];
    return {
      alive: row?.['alive'] === true,
      nowMs: this.#clock.seen(Number(row?.['now'])),
      lastMs: typeof last === 'number' ? last : null,
    };
  }

  async endSession(session: SessionId): Promise<void> {
    await this.#timed(this.#beats, statements.END_SESSION, [session]);
  }

  async takeOver({ silenceMs, unchanged, keep, limit }: TakeOverRequest): Promise<TakeOverResult> {
    const only =
      unchanged === undefined
        ? [null, null]
        : [textArray(unchanged.map(({ session }) => session)), int8Array(unchanged.map((seen) => seen.heartbeatAtMs))];
    const ended = await this.#timed(this.#work, statements.END_SILENT, [Math.floor(silenceMs), keep, ...only]);
    const [row] = await this.#timed(this.#work, statements.RELEASE, [limit]);
    return {
      ended: ended.map(({ session }) => String(session)),
      released: Number(row?.['count']),
      more: Number(row?.['found']) > limit,
    };
  }

  async sessions(): Promise<SessionRow[]> {
    const rows = await this.#rest.query(statements.SESSIONS, []);
    return rows.map((row) => ({
      session: String(row['session']),
      node: String(row['node']),
      version: String(row['version']),
      startedAtMs: Number(row['started_at']),
      heartbeatAtMs: Number(row['heartbeat_at']),
      owned: Number(row['owned']),
    }));
  }

  async purge({ olderThanMs, limit }: PurgeRequest): Promise<number> {
    const [row] = await this.#timed(this.#rest, statements.PURGE, [Math.floor(olderThanMs), limit]);
    return Number(row?.['count']);
  }

  async nowMs(): Promise<number> {
    const [row] = await this.#timed(this.#beats, statements.TIME, []);
    return this.#clock.seen(Number(row?.['now']));
  }

  #timed(connection: Connection, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    return connection.query(statement, [...this.#clock.parameters(), ...values]);
  }

  readonly kvGet: Store['kvGet'] = (id) => this.#keyValues.get(id);
  readonly kvPut: Store['kvPut'] = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
  readonly kvDelete: Store['kvDelete'] = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
  readonly kvScan: Store['kvScan'] = (query) => this.#keyValues.scan(query);
}
