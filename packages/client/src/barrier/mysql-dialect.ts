import { barrierResultsSchema, barrierSchema, barrierTable } from '@holdfast/protocol';
import type { Pool, PoolConnection } from 'mysql2/promise';
import type { BarrierDialect, BarrierPurge, BarrierRow } from './dialect.ts';
import { BarrierUnusable, missingPrivilege } from './errors.ts';
import { errnoOf, mysqlConnection } from './mysql-connection.ts';
import type { IsolationLevel } from './pg-dialect.ts';
import { valuesOfRows } from './mysql-row.ts';
import { resultId } from './results.ts';
import { assertColumns } from './schema-statements.ts';
import { inTransaction } from './transaction.ts';

export interface MysqlBarrierOptions {
  /** `TABLE` or `DATABASE.TABLE`. Default: `dtm_barrier.barrier`, as in dtm's clients. */
  readonly table?: string;
  /** Isolation of the transactions that `run` and `message` begin. Default: the database's own. */
  readonly isolation?: IsolationLevel;
}

/**
 * The methods of a connection that the barrier's rows need: of a `mysql2` promise connection, or a
 * transaction of a library that runs SQL with parameters `?`.
 */
export interface MysqlExecutable {
  execute(text: string, values: (string | number)[]): Promise<readonly [result: unknown, ...rest: unknown[]]>;
}

const LEVELS: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable'];

/**
 * The isolation, whose name becomes part of a statement.
 *
 * @throws {TypeError} there is no such isolation
 */
export function checkedIsolation(isolation: IsolationLevel | undefined): IsolationLevel | undefined {
  if (isolation === undefined || LEVELS.includes(isolation)) return isolation;
  throw new TypeError(`isolation is ${LEVELS.join(', ')}, not ${JSON.stringify(isolation)}`);
}

/** Deadlock; "record has changed since last read" of MariaDB's snapshot isolation. */
const LOST: readonly unknown[] = [1213, 1020];
/** No such table, no such database. */
const MISSING: readonly unknown[] = [1146, 1049];

/** Unknown column. */
const NO_COLUMN = 1054;
/** No privilege on the database, on the table. */
const LACKING: readonly unknown[] = [1044, 1142];

const WHERE = 'where gid = ? and branch_id = ? and op = ? and barrier_id = ?';

/** Barrier rows in MySQL and MariaDB. */
export class MysqlDialect implements BarrierDialect<PoolConnection, MysqlExecutable> {
  readonly place: { readonly pool: object; readonly table: string };
  readonly #pool: Pool;
  readonly #isolation: IsolationLevel | undefined;
  readonly #table: string;
  readonly #results: string;
  readonly #schema: readonly string[];
  readonly #resultsSchema: readonly string[];
  /** Whether there is a table of results that this user may use; undefined: not known yet. */
  #keepsResults: boolean | undefined;

  constructor(pool: Pool, { table, isolation }: MysqlBarrierOptions) {
    this.#pool = pool;
    this.#isolation = checkedIsolation(isolation);
    const names = barrierTable('mysql', table);
    this.#table = names.table;
    this.place = { pool, table: names.table };
    this.#results = names.results;
    this.#schema = barrierSchema('mysql', table);
    this.#resultsSchema = barrierResultsSchema('mysql', table);
  }

  async transaction<T>(body: (tx: PoolConnection) => Promise<T>): Promise<T> {
    return inTransaction(mysqlConnection(await this.#pool.getConnection(), this.#isolation), body);
  }

  /** One statement per row: for a combined one, MySQL would not report which rows were inserted. */
  async insertMissing(open: MysqlExecutable, rows: readonly BarrierRow[]): Promise<readonly boolean[]> {
    const inserted: boolean[] = [];
    for (const row of rows) inserted.push(await this.#insertMissing(open, row));
    return inserted;
  }

  async keepResult(open: MysqlExecutable, row: BarrierRow, result: string): Promise<void> {
    const text =
      `insert into ${this.#results} (id, result) values (?, ?)` +
      ` on duplicate key update result = values(result), create_time = current_timestamp`;
    await this.#onResults(open, text, [resultId(row), result]);
  }

  /**
   * Not a locking read, so that no other call waits for it. The row found before is committed, and
   * its result with it.
   */
  async readResult(open: MysqlExecutable, row: BarrierRow): Promise<string | undefined> {
    const rows = await this.#onResults(open, `select result from ${this.#results} where id = ? limit 1`, [
      resultId(row),
    ]);
    return valuesOfRows(rows)[0]?.[0];
  }

  async readReason(open: MysqlExecutable, row: BarrierRow): Promise<string | undefined> {
    return (await this.#find(open, row))?.reason;
  }

  lostAgainstAnother(error: unknown): boolean {
    return LOST.includes(errnoOf(error));
  }

  async purge({ olderThanMs, limit }: BarrierPurge): Promise<number> {
    const old = `create_time <= now(6) - interval ${Math.round(olderThanMs * 1_000)} microsecond`;
    const text = `delete from ${this.#table} where ${old} order by create_time, id limit ${limit}`;
    const results = `delete from ${this.#results} where ${old} order by create_time limit ${limit}`;
    // In a separate transaction: with autocommit off, nothing else would commit it.
    return this.transaction(async (tx) => {
      const rows = affected(await this.#execute(tx, text, []));
      const result = await this.#onResults(tx, results, []);
      return result === undefined ? rows : Math.max(rows, affected(result));
    });
  }

  /** Creates nothing that exists: the user may have no more privileges than to change rows. */
  async ensureSchema(): Promise<void> {
    this.#keepsResults = undefined;
    try {
      if (!(await this.#has(this.#table))) for (const statement of this.#schema) await this.#pool.query(statement);
    } catch (error) {
      if (!LACKING.includes(errnoOf(error))) throw error;
      throw missingPrivilege('mysql', this.#table, error);
    }
    await this.#assertColumns(this.#table, 'rows');
    await this.#ensureResults();
  }

  #assertColumns(table: string, kind: 'rows' | 'results'): Promise<void> {
    return assertColumns(
      table,
      kind,
      (text) => this.#pool.query(text),
      (error) => errnoOf(error) === NO_COLUMN,
    );
  }

  /**
   * Without the privilege to create the table, a barrier of an earlier version continues without
   * results.
   */
  async #ensureResults(): Promise<void> {
    try {
      await this.#assertColumns(this.#results, 'results');
    } catch (missing) {
      if (!MISSING.includes(errnoOf(missing)) && !LACKING.includes(errnoOf(missing))) throw missing;
      try {
        for (const statement of this.#resultsSchema) await this.#pool.query(statement);
      } catch (error) {
        if (!LACKING.includes(errnoOf(error))) throw error;
      }
    }
  }

  async #has(table: string): Promise<boolean> {
    try {
      await this.#pool.query(`select 1 from ${table} limit 0`);
      return true;
    } catch (error) {
      if (MISSING.includes(errnoOf(error))) return false;
      // Without the privilege to read the table, the user cannot know whether it exists.
      throw LACKING.includes(errnoOf(error)) ? missingPrivilege('mysql', this.#table, error) : error;
    }
  }

  /**
   * `ignore` skips more than existing rows, and old tables compare names without case, so rows that
   * were not inserted are checked.
   */
  async #insertMissing(open: MysqlExecutable, row: BarrierRow): Promise<boolean> {
    const { transType, gid, branchId, op, barrierId, reason } = row;
    const text = `insert ignore into ${this.#table} (trans_type, gid, branch_id, op, barrier_id, reason) values (?, ?, ?, ?, ?, ?)`;
    const result = await this.#execute(open, text, [transType, gid, branchId, op, barrierId, reason]);
    if (affected(result) === 1) return true;
    const found = await this.#find(open, row);
    if (found?.gid === gid && found.branchId === branchId && found.op === op) return false;
    const why =
      found === undefined ? 'and has no such row' : `because of one of ${found.gid}, which it takes for the same`;
    throw new BarrierUnusable(
      `${this.#table} takes no row for ${op} of branch ${branchId} of ${gid}, ${why}: compare the table with what "holdfast barrier-schema --database mysql" prints`,
    );
  }

  /** Locks the row, which reads the committed data and not the transaction's snapshot. */
  async #find(open: MysqlExecutable, row: BarrierRow): Promise<FoundRow | undefined> {
    const text = `select gid, branch_id, op, reason from ${this.#table} ${WHERE} limit 1 lock in share mode`;
    const [found] = valuesOfRows(await this.#execute(open, text, [row.gid, row.branchId, row.op, row.barrierId]));
    if (found === undefined) return undefined;
    const [gid = '', branchId = '', op = '', reason = ''] = found;
    return { gid, branchId, op, reason };
  }

  /**
   * Runs a statement on the table of results. undefined: there is none that this user may use,
   * which the statement detects without ending the transaction.
   */
  async #onResults(open: MysqlExecutable, text: string, values: string[]): Promise<unknown> {
    if (this.#keepsResults === false) return undefined;
    try {
      const [result] = await open.execute(text, values);
      this.#keepsResults = true;
      return result;
    } catch (error) {
      if (!MISSING.includes(errnoOf(error)) && !LACKING.includes(errnoOf(error))) throw error;
      this.#keepsResults = false;
      return undefined;
    }
  }

  async #execute(open: MysqlExecutable, text: string, values: (string | number)[]): Promise<unknown> {
    try {
      return (await open.execute(text, values))[0];
    } catch (error) {
      if (!MISSING.includes(errnoOf(error))) throw error;
      throw new BarrierUnusable(
        `There is no barrier table ${this.#table}: create it with what "holdfast barrier-schema --database mysql" prints, or ensureSchema()`,
        { cause: error },
      );
    }
  }
}

type FoundRow = Pick<BarrierRow, 'gid' | 'branchId' | 'op' | 'reason'>;

const affected = (result: unknown): number => (result as { readonly affectedRows: number }).affectedRows;
