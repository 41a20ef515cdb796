import { barrierResultsSchema, barrierSchema, barrierTable } from '@holdfast/protocol';
import type { Pool, PoolClient } from 'pg';
import type { BarrierDialect, BarrierPurge, BarrierRow } from './dialect.ts';
import { BarrierUnusable, missingPrivilege } from './errors.ts';
import { checkedLockTimeout } from '../lock-timeout.ts';
import { pgConnection } from './pg-connection.ts';
import { resultId } from './results.ts';
import { assertColumns, tablesCreatedBy } from './schema-statements.ts';
import { inTransaction } from './transaction.ts';

/** The isolation of transactions. */
export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

export interface PostgresBarrierOptions {
  /** `TABLE` or `SCHEMA.TABLE`. Default: `dtm_barrier.barrier`, as in dtm's clients. */
  readonly table?: string;
  /** Isolation of the transactions that `run` and `message` begin. Default: the database's own. */
  readonly isolation?: IsolationLevel;
  /**
   * How long a statement of these transactions waits for a lock, in ms; longer, and it fails with
   * SQLSTATE 55P03, the work is rolled back, and the call comes again. Without a limit calls that
   * wait for a row of a prepared transaction could hold every connection of the pool, also the one
   * that ends it. A shorter `lock_timeout` of the session stays. Default: 10,000. 0: no limit but
   * the session's.
   */
  readonly lockTimeoutMs?: number;
}

const LOCK_TIMEOUT_MS = 10_000;

/**
 * The methods of a connection that the barrier's rows need: of a `pg` client, or a transaction of a
 * library that runs SQL with parameters `$1`, `$2`, ….
 */
export interface PostgresQueryable {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

const BEGIN = {
  default: 'begin read write',
  'read committed': 'begin isolation level read committed read write',
  'repeatable read': 'begin isolation level repeatable read read write',
  serializable: 'begin isolation level serializable read write',
} as const satisfies Record<IsolationLevel | 'default', string>;
const LEVELS: readonly string[] = Object.keys(BEGIN).filter((level) => level !== 'default');

/**
 * The statement that begins a transaction of that isolation, which may write.
 *
 * @throws {TypeError} there is no such isolation
 */
export function beginOf(isolation: IsolationLevel | undefined): string {
  if (isolation !== undefined && !LEVELS.includes(isolation))
    throw new TypeError(`isolation is ${LEVELS.join(', ')}, not ${JSON.stringify(isolation)}`);
  return BEGIN[isolation ?? 'default'];
}

/** SQLSTATE: serialization failure, deadlock. */
const LOST: readonly unknown[] = ['40001', '40P01'];
/** SQLSTATE: no such table, no such schema. */
const MISSING: readonly unknown[] = ['42P01', '3F000'];
/** SQLSTATE */
const INSUFFICIENT_PRIVILEGE = '42501';
/** SQLSTATE */
const NO_COLUMN = '42703';
/**
 * Taken to create a barrier's tables: PostgreSQL's `create … if not exists` fails if two sessions
 * run it concurrently.
 */
const SCHEMA_LOCK = 4_827_113;

/** Barrier rows in PostgreSQL. */
export class PgDialect implements BarrierDialect<PoolClient, PostgresQueryable> {
  readonly place: { readonly pool: object; readonly table: string };
  readonly #pool: Pool;
  readonly #begin: string;
  readonly #table: string;
  readonly #results: string;
  readonly #schema: readonly string[];
  readonly #resultsSchema: readonly string[];
  /** Quoted; undefined: that of the connection. */
  readonly #schemaName: string | undefined;
  /** Whether there is a table of results that this user may use; undefined: not known yet. */
  #keepsResults: boolean | undefined;

  constructor(pool: Pool, { table, isolation, lockTimeoutMs = LOCK_TIMEOUT_MS }: PostgresBarrierOptions) {
    this.#pool = pool;
    this.#begin = beginOf(isolation) + limitOfLocks(checkedLockTimeout(lockTimeoutMs));
    const names = barrierTable('postgres', table);
    this.#table = names.table;
    this.place = { pool, table: names.table };
    this.#results = names.results;
    this.#schemaName = names.schema;
    this.#schema = barrierSchema('postgres', table);
    this.#resultsSchema = barrierResultsSchema('postgres', table);
  }

  async transaction<T>(body: (tx: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(pgConnection(await this.#pool.connect(), this.#begin), body);
  }

  /**
   * One statement, whose rows are inserted in order. `now()` is explicit because dtm's own table
   * has no default for the times.
   */
  async insertMissing(open: PostgresQueryable, rows: readonly BarrierRow[]): Promise<readonly boolean[]> {
    const values = rows.map(
      (_, index) => `(${[1, 2, 3, 4, 5, 6].map((n) => `$${index * 6 + n}`).join(', ')}, now(), now())`,
    );
    const text =
      `insert into ${this.#table} (trans_type, gid, branch_id, op, barrier_id, reason, create_time, update_time)` +
      ` values ${values.join(', ')} on conflict (gid, branch_id, op, barrier_id) do nothing returning op`;
    const returned = await this.#query(
      open,
      text,
      rows.flatMap(({ transType, gid, branchId, op, barrierId, reason }) => [
        transType,
        gid,
        branchId,
        op,
        barrierId,
        reason,
      ]),
    );
    const inserted = returned.map((row) => (row as { readonly op: string }).op);
    return rows.map(({ op }) => inserted.includes(op));
  }

  async keepResult(open: PostgresQueryable, row: BarrierRow, result: string): Promise<void> {
    if (!(await this.#hasResults(open))) return;
    const text =
      `insert into ${this.#results} (id, result) values ($1, $2)` +
      ` on conflict (id) do update set result = excluded.result, create_time = excluded.create_time`;
    await this.#query(open, text, [resultId(row), result]);
  }

  async readResult(open: PostgresQueryable, row: BarrierRow): Promise<string | undefined> {
    if (!(await this.#hasResults(open))) return undefined;
    const [found] = await this.#query(open, `select result from ${this.#results} where id = $1`, [resultId(row)]);
    return (found as { readonly result: string } | undefined)?.result;
  }

  async readReason(open: PostgresQueryable, row: BarrierRow): Promise<string | undefined> {
    const text = `select reason from ${this.#table} where gid = $1 and branch_id = $2 and op = $3 and barrier_id = $4`;
    const [found] = await this.#query(open, text, [row.gid, row.branchId, row.op, row.barrierId]);
    return (found as { readonly reason: string } | undefined)?.reason;
  }

  lostAgainstAnother(error: unknown): boolean {
    return LOST.includes(codeOf(error));
  }

  /** Rows without a time, as dtm's clients write them into dtm's own table, have no age. */
  async purge({ olderThanMs, limit }: BarrierPurge): Promise<number> {
    const text =
      `with old as (select id from ${this.#table} where create_time <= now() - $1 * interval '1 millisecond'` +
      ` order by create_time, id limit $2 for update skip locked),` +
      ` gone as (delete from ${this.#table} where id in (select id from old) returning 1) select count(*)::int as gone from gone`;
    const results =
      `with old as (select id from ${this.#results} where create_time <= now() - $1 * interval '1 millisecond'` +
      ` order by create_time limit $2 for update skip locked),` +
      ` gone as (delete from ${this.#results} where id in (select id from old) returning 1) select count(*)::int as gone from gone`;
    return this.transaction(async (tx) => {
      const values = [olderThanMs, limit];
      const rows = goneOf(await this.#query(tx, text, values));
      return (await this.#hasResults(tx)) ? Math.max(rows, goneOf(await this.#query(tx, results, values))) : rows;
    });
  }

  /** Creates nothing that exists: the user may have no more privileges than to change rows. */
  async ensureSchema(): Promise<void> {
    this.#keepsResults = undefined;
    try {
      if (!(await this.#has([this.#table]))) await this.#create(await this.#missing());
      await this.#assertColumns(this.#table, 'rows');
      await this.#ensureResults();
    } catch (error) {
      if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
      throw missingPrivilege('postgres', this.#table, error);
    }
  }

  /**
   * Without the privilege to create the table, a barrier of an earlier version continues without
   * results.
   */
  async #ensureResults(): Promise<void> {
    try {
      if (!(await this.#has(tablesCreatedBy(this.#resultsSchema)))) await this.#create(this.#resultsSchema);
      await this.#assertColumns(this.#results, 'results');
    } catch (error) {
      if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    }
  }

  /**
   * The statements without the one for an existing schema: PostgreSQL lets only users who may
   * create schemas execute it, even though it would do nothing.
   */
  async #missing(): Promise<readonly string[]> {
    if (this.#schemaName === undefined) return this.#schema;
    const { rows } = await this.#pool.query<{ there: boolean }>('select to_regnamespace($1) is not null as there', [
      this.#schemaName,
    ]);
    return rows[0]?.there === true ? this.#schema.slice(1) : this.#schema;
  }

  #assertColumns(table: string, kind: 'rows' | 'results'): Promise<void> {
    return assertColumns(
      table,
      kind,
      (text) => this.#pool.query(text),
      (error) => codeOf(error) === NO_COLUMN,
    );
  }

  async #create(statements: readonly string[]): Promise<void> {
    await this.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      for (const statement of statements) await tx.query(statement);
    });
  }

  async #has(tables: readonly string[]): Promise<boolean> {
    const { rows } = await this.#pool.query<{ there: boolean }>(
      'select coalesce(bool_and(to_regclass(name) is not null), false) as there from unnest($1::text[]) name',
      [tables],
    );
    return rows[0]?.there === true;
  }

  /**
   * Checked once, by a query that causes no error if the table is missing: an error would abort the
   * transaction.
   */
  async #hasResults(open: PostgresQueryable): Promise<boolean> {
    if (this.#keepsResults !== undefined) return this.#keepsResults;
    const text = `select coalesce(has_table_privilege(to_regclass($1), 'select') and has_table_privilege(to_regclass($1), 'insert')
      and has_table_privilege(to_regclass($1), 'update') and has_table_privilege(to_regclass($1), 'delete'), false) as usable`;
    const [found] = await this.#query(open, text, [this.#results]);
    this.#keepsResults = (found as { readonly usable: boolean }).usable;
    return this.#keepsResults;
  }

  async #query(open: PostgresQueryable, text: string, values: unknown[]): Promise<readonly unknown[]> {
    try {
      return (await open.query(text, values)).rows;
    } catch (error) {
      if (!MISSING.includes(codeOf(error))) throw error;
      // A table of results that was dropped is checked for again.
      this.#keepsResults = undefined;
      throw new BarrierUnusable(
        `There is no barrier table ${this.#table}: create it with what "holdfast barrier-schema --database postgres" prints, or ensureSchema()`,
        { cause: error },
      );
    }
  }
}

/** In the same round trip as the begin; until the end of the transaction. */
const limitOfLocks = (ms: number): string =>
  ms === 0
    ? ''
    : `; select set_config('lock_timeout', '${ms}ms', true)` +
      ` where current_setting('lock_timeout')::interval not between '1 ms' and '${ms} ms'`;

const goneOf = ([row]: readonly unknown[]): number => (row as { readonly gone: number }).gone;

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
