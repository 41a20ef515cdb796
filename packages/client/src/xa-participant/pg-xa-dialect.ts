import type { Pool, PoolClient } from 'pg';
import { TransactionEnded } from '../barrier/errors.ts';
import { pgConnection } from '../barrier/pg-connection.ts';
import { beginOf, PgDialect, type PostgresQueryable } from '../barrier/pg-dialect.ts';
import { XaUnusable } from './errors.ts';
import { isCausedBy } from './is-caused-by.ts';
import type { XaOptions } from './xa-participant.ts';
import type { XaConnection, XaDialect, XaEnd } from './xa-dialect.ts';

/** SQLSTATE: there is no prepared transaction of that name. */
const MISSING = '42704';
/**
 * SQLSTATE: object not in the required state. When ending a transaction: another session is ending
 * it. For PREPARE: prepared transactions are disabled.
 */
const WRONG_STATE = '55000';
/** SQLSTATE: the maximum number of prepared transactions is reached. */
const FULL = '53200';
/** SQLSTATE: waited longer than `lock_timeout`. */
const BLOCKED = '55P03';

/** How long each attempt of a repeated call waits for the call before it. */
const SHORT_WAIT = '100ms';

/**
 * Returns the shorter of the session's timeout and $2 (0: no timeout), and sets the timeout to $1.
 */
const SHORTEN_WAITS = `select case
    when $2::text::interval = '0' or current_setting('lock_timeout')::interval between '1 ms' and $2::text::interval
    then current_setting('lock_timeout') else $2 end as later, set_config('lock_timeout', $1, true)`;

/**
 * Prepared transactions of PostgreSQL. They belong to one database, and to no connection once they
 * are prepared.
 */
export class PgXaDialect implements XaDialect<PoolClient, PostgresQueryable> {
  readonly rows: PgDialect;
  readonly longestNameBytes = 199;
  readonly #pool: Pool;
  readonly #begin: string;

  constructor(pool: Pool, { table, isolation }: Pick<XaOptions, 'table' | 'isolation'>) {
    this.#pool = pool;
    this.#begin = beginOf(isolation);
    this.rows = new PgDialect(pool, table === undefined ? {} : { table });
  }

  /**
   * Two transactions may be open under one name: the barrier's row keeps the second one waiting.
   */
  async open(name: string): Promise<XaConnection<PoolClient>> {
    const connection = pgConnection(await this.#pool.connect(), this.#begin);
    const rollback = (): Promise<void> =>
      connection.rollback().then(
        () => connection.release(true),
        () => connection.release(false),
      );
    try {
      await connection.begin();
    } catch (error) {
      await rollback();
      throw error;
    }
    return {
      tx: connection.tx,
      prepare: async () => {
        await prepare(connection.tx, name);
        connection.release(true);
      },
      rollback,
    };
  }

  async isPrepared(name: string): Promise<boolean> {
    const text = 'select 1 from pg_prepared_xacts where gid = $1 and database = current_database()';
    return (await this.#pool.query(text, [name])).rows.length > 0;
  }

  async end(name: string, how: XaEnd): Promise<'ended' | 'missing' | 'busy'> {
    const connection = pgConnection(await this.#pool.connect(), 'begin');
    const { tx } = connection;
    let responded = true;
    try {
      await tx.query(`${how} prepared ${tx.escapeLiteral(name)}`);
      return 'ended';
    } catch (error) {
      if (codeOf(error) === MISSING) return 'missing';
      if (codeOf(error) === WRONG_STATE) return 'busy';
      responded = false;
      throw error;
    } finally {
      connection.release(responded);
    }
  }

  /** An error ends the transaction, and with it the setting. */
  async withShortWaits<T>(tx: PoolClient, laterMs: number, body: () => Promise<T>): Promise<T> {
    const settings = await tx.query<{ later: string }>(SHORTEN_WAITS, [SHORT_WAIT, `${laterMs}ms`]);
    const value = await body();
    await tx.query(`select set_config('lock_timeout', $1, true)`, [settings.rows[0]?.later ?? '0']);
    return value;
  }

  isBlocked(error: unknown): boolean {
    return isCausedBy(error, (one) => codeOf(one) === BLOCKED);
  }
}

async function prepare(client: PoolClient, name: string): Promise<void> {
  try {
    const { command } = await client.query(`prepare transaction ${client.escapeLiteral(name)}`);
    // In a transaction that an error has aborted, this statement rolls back without an error.
    if (!command.startsWith('PREPARE')) throw new TransactionEnded();
  } catch (error) {
    const code = codeOf(error);
    if (code !== WRONG_STATE && code !== FULL) throw error;
    const fix =
      code === FULL
        ? 'the maximum number of prepared transactions is reached: check the list of "holdfast xa recover", and raise max_prepared_transactions'
        : 'prepared transactions are disabled: set max_prepared_transactions to at least max_connections';
    throw new XaUnusable(`PostgreSQL could not prepare ${name}, since ${fix} (postgresql.conf, then a restart)`, {
      cause: error,
    });
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
