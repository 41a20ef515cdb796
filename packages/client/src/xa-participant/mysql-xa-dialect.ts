import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { errnoOf } from '../barrier/mysql-connection.ts';
import { checkedIsolation, MysqlDialect, type MysqlExecutable } from '../barrier/mysql-dialect.ts';
import type { IsolationLevel } from '../barrier/pg-dialect.ts';
import { valuesOfRows } from '../barrier/mysql-row.ts';
import { isCausedBy } from './is-caused-by.ts';
import type { XaOptions } from './xa-participant.ts';
import type { XaConnection, XaDialect, XaEnd } from './xa-dialect.ts';

/** XAER_DUPID: there is a transaction of that name, open or prepared. */
const NAME_IN_USE = 1440;
/** XAER_NOTA: there is no such transaction, or it still belongs to another connection. */
const MISSING = 1397;
/** Lock wait timeout: the statement was undone, the transaction continues. */
const BLOCKED = 1205;

/** `innodb_lock_wait_timeout` knows whole seconds only. */
const SHORT_WAIT_SECONDS = 1;
/** How long the server may take to notice that a connection is closed. */
const DETACH_TIMEOUT_MS = 1_000;
const DETACH_POLL_MS = 5;

/**
 * XA transactions of MySQL and MariaDB, named as dtm's clients name them: all in the gtrid, no
 * bqual.
 */
export class MysqlXaDialect implements XaDialect<PoolConnection, MysqlExecutable> {
  readonly rows: MysqlDialect;
  readonly longestNameBytes = 64;
  readonly #pool: Pool;
  readonly #isolation: IsolationLevel | undefined;
  /** Of connections whose lock timeouts were changed: what they were before. */
  readonly #waits = new WeakMap<PoolConnection, LockWaits>();

  constructor(pool: Pool, { table, isolation }: Pick<XaOptions, 'table' | 'isolation'>) {
    this.#pool = pool;
    this.#isolation = checkedIsolation(isolation);
    this.rows = new MysqlDialect(pool, table === undefined ? {} : { table });
  }

  async open(name: string): Promise<XaConnection<PoolConnection> | undefined> {
    const connection = await this.#pool.getConnection();
    try {
      if (this.#isolation !== undefined) await connection.query(`set transaction isolation level ${this.#isolation}`);
      await connection.query(`xa start ${literal(name)}`);
    } catch (error) {
      // An isolation that was set would apply to the next transaction.
      if (errnoOf(error) === undefined || this.#isolation !== undefined) connection.destroy();
      else connection.release();
      if (errnoOf(error) === NAME_IN_USE) return undefined;
      throw error;
    }
    return {
      tx: connection,
      prepare: async () => {
        await connection.query(`xa end ${literal(name)}`);
        await connection.query(`xa prepare ${literal(name)}`);
        await this.#detach(connection);
      },
      rollback: () => this.#rollback(connection, name),
    };
  }

  async isPrepared(name: string): Promise<boolean> {
    const [rows] = await this.#pool.query('xa recover');
    return valuesOfRows(rows).some(([, , bqualLength, data]) => bqualLength === '0' && data === name);
  }

  async end(name: string, how: XaEnd): Promise<'ended' | 'missing'> {
    try {
      await this.#pool.query(`xa ${how} ${literal(name)}`);
      return 'ended';
    } catch (error) {
      if (errnoOf(error) === MISSING) return 'missing';
      throw error;
    }
  }

  async withShortWaits<T>(tx: PoolConnection, laterMs: number, body: () => Promise<T>): Promise<T> {
    const before = await this.#waitsOf(tx);
    const limit = laterMs === 0 ? Infinity : Math.ceil(laterMs / 1_000);
    const later = { row: Math.min(before.row, limit), metadata: Math.min(before.metadata, limit) };
    if (laterMs !== 0) this.#waits.set(tx, before);
    await setWaits(tx, { ...before, row: SHORT_WAIT_SECONDS });
    try {
      return await body();
    } finally {
      await setWaits(tx, later);
    }
  }

  isBlocked(error: unknown): boolean {
    return isCausedBy(error, (one) => errnoOf(one) === BLOCKED);
  }

  async #waitsOf(connection: PoolConnection): Promise<LockWaits> {
    const [rows] = await connection.query('select @@session.innodb_lock_wait_timeout, @@session.lock_wait_timeout');
    const [[row, metadata] = []] = valuesOfRows(rows);
    return { row: Number(row), metadata: Number(metadata) };
  }

  async #rollback(connection: PoolConnection, name: string): Promise<void> {
    try {
      // Fails if the database has already rolled back the transaction (a deadlock), or if it was
      // ended before.
      await connection.query(`xa end ${literal(name)}`).catch(() => {});
      await connection.query(`xa rollback ${literal(name)}`);
      const waits = this.#waits.get(connection);
      if (waits !== undefined) await setWaits(connection, waits);
      this.#waits.delete(connection);
      connection.release();
    } catch {
      connection.destroy();
    }
  }

  /**
   * In MariaDB, and in MySQL before 8.0.29, no other connection can end a prepared transaction
   * while its connection is open. So this closes the connection, and waits briefly until the server
   * has noticed. If the server takes longer, a commit or rollback that arrives before that is not
   * successful, and the coordinator repeats it.
   */
  async #detach(connection: PoolConnection): Promise<void> {
    const { threadId } = connection;
    connection.destroy();
    const deadline = performance.now() + DETACH_TIMEOUT_MS;
    try {
      while ((await this.#isConnected(threadId)) && performance.now() < deadline) await delay(DETACH_POLL_MS);
    } catch {
      // The transaction is prepared; whether it can be ended yet shows when it is ended.
    }
  }

  async #isConnected(threadId: number): Promise<boolean> {
    const text = 'select 1 from information_schema.processlist where id = ?';
    const [rows] = await this.#pool.query(text, [threadId]);
    return valuesOfRows(rows).length > 0;
  }
}

/** How long a session waits for locks of rows and of table definitions, in seconds. */
interface LockWaits {
  readonly row: number;
  readonly metadata: number;
}

async function setWaits(connection: PoolConnection, { row, metadata }: LockWaits): Promise<void> {
  await connection.query(`set session innodb_lock_wait_timeout = ${row}, session lock_wait_timeout = ${metadata}`);
}

/** In hexadecimal, so that no character of a gid has a meaning in the statement. */
const literal = (name: string): string => `X'${Buffer.from(name).toString('hex')}'`;
