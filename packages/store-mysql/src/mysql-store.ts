import type {
  ClaimRequest,
  ClaimResult,
  ListQuery,
  Page,
  SchemaVersions,
  SessionRow,
  Store,
  StoreCapabilities,
  StoreCounts,
  StoredTransaction,
  WriteItem,
  WriteOutcome,
} from '@holdfast/core/store';
import { CLOSE_MS, countsOf, within } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { ClaimPace } from './claim-pace.ts';
import { Connection } from './connection.ts';
import { sums } from './counters.ts';
import { claimDue, makeDueLater, purge } from './due.ts';
import { SERVER_SETTINGS, whatACrashMayLose } from './durability.ts';
import { KeyValues } from './key-values.ts';
import { list } from './list.ts';
import { forSessions, type Settings } from './options.ts';
import type { Parts } from './parts.ts';
import { read, versions } from './read.ts';
import { idOf } from './records.ts';
import { prepareSchema, tablesOf } from './schema.ts';
import { packetWarning } from './session-settings.ts';
import { Sessions } from './sessions.ts';
import { text } from './sql.ts';
import { CountedStates } from './counted-states.ts';
import { StoreClock } from './store-clock.ts';
import { Writer } from './write.ts';

/**
 * The store on MariaDB and MySQL. A node has four connections: for batches; for driving
 * transactions (claims, reads); for sessions, whose heartbeats must not wait for a claim or a large
 * record; and for calls that may take long (lists, counts, takeovers, purges, key-values).
 */
export class MysqlStore implements Store {
  readonly #settings: Settings;
  readonly #batches: Connection;
  readonly #parts: Parts;
  readonly #writer: Writer;
  readonly #sessions: Sessions;
  readonly #keyValues: KeyValues;
  #durable = true;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#batches = new Connection(settings);
    this.#parts = {
      tables: tablesOf(settings.prefix),
      clock: new StoreClock(settings.wallMs, settings.monotonicMs),
      countedStates: new CountedStates(),
      claimPace: new ClaimPace(),
      work: new Connection(settings),
      beats: new Connection(forSessions(settings)),
      rest: new Connection(settings),
    };
    this.#writer = new Writer({ ...this.#parts, connection: this.#batches });
    this.#sessions = new Sessions(this.#parts);
    this.#keyValues = new KeyValues(this.#parts);
  }

  /** `durable` is known only after `open`. */
  get capabilities(): StoreCapabilities {
    return { name: 'mysql', durable: this.#durable, exclusive: false };
  }

  async open(): Promise<SchemaVersions> {
    const { tables, clock, rest } = this.#parts;
    const { loss, schema, latestMs } = await rest.alone(async (run) => {
      const [server] = await run(SERVER_SETTINGS);
      const found = whatACrashMayLose(server?.rows[0] ?? {});
      const prepared = await prepareSchema(run, tables);
      const [latest] = await run(
        `select greatest(coalesce((select max(last_at) from ${tables.counters}), 0), coalesce((select max(heartbeat_at) from ${tables.sessions}), 0)) as latest`,
      );
      return { loss: found, schema: prepared, latestMs: Number(latest?.rows[0]?.['latest']) };
    });
    this.#durable = loss === undefined;
    for (const warning of [loss, packetWarning(rest.packetBytes)])
      if (warning !== undefined) this.#settings.onWarning(`the database at ${this.#settings.place}: ${warning}`);
    clock.seen(latestMs);
    return schema;
  }

  async close(idle?: Promise<void>): Promise<void> {
    await within(CLOSE_MS, idle);
    const { work, beats, rest } = this.#parts;
    await Promise.all([this.#batches, work, beats, rest].map((connection) => connection.close()));
  }

  write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return this.#writer.write(batch);
  }

  async get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    const { work, tables, countedStates } = this.#parts;
    const records = await read(work, tables, keys);
    for (const record of records) if (record !== undefined) countedStates.note(idOf(record.key), record);
    return records;
  }

  versions(keys: readonly TransactionKey[]): Promise<(number | undefined)[]> {
    return versions(this.#parts.work, this.#parts.tables, keys);
  }

  list(query: ListQuery): Promise<Page<StoredTransaction>> {
    return list(this.#parts, query);
  }

  async count(namespace?: string): Promise<StoreCounts> {
    const { rest, tables } = this.#parts;
    const statement = sums(tables, namespace === undefined ? undefined : text(namespace));
    const [result] = await rest.call({ statements: [statement], changes: false });
    const [row] = result?.rows ?? [];
    return countsOf((name) => Number(row?.[name]));
  }

  claimDue(request: ClaimRequest): Promise<ClaimResult> {
    return claimDue(this.#parts, request);
  }

  sessions(): Promise<SessionRow[]> {
    return this.#sessions.list();
  }

  async nowMs(): Promise<number> {
    const { beats, clock } = this.#parts;
    const [result] = await beats.call({ statements: [`select ${clock.expression()} as now`], changes: false });
    return clock.seen(Number(result?.rows[0]?.['now']));
  }

  readonly makeDue: Store['makeDue'] = (request) => makeDueLater(this.#parts, request);
  readonly purge: Store['purge'] = (request) => purge(this.#parts, request);
  readonly openSession: Store['openSession'] = (session, info) => this.#sessions.open(session, info);
  readonly heartbeat: Store['heartbeat'] = (session) => this.#sessions.heartbeat(session);
  readonly endSession: Store['endSession'] = (session) => this.#sessions.end(session);
  readonly takeOver: Store['takeOver'] = (request) => this.#sessions.takeOver(request);
  readonly kvGet: Store['kvGet'] = (id) => this.#keyValues.get(id);
  readonly kvPut: Store['kvPut'] = (id, value, expectVersion) => this.#keyValues.put(id, value, expectVersion);
  readonly kvDelete: Store['kvDelete'] = (id, expectVersion) => this.#keyValues.delete(id, expectVersion);
  readonly kvScan: Store['kvScan'] = (query) => this.#keyValues.scan(query);
}
