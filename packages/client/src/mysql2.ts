import type { Pool, PoolConnection } from 'mysql2/promise';
import { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
import { MysqlDriver, type MysqlBarrierOptions, type MysqlExecutable } from './barrier/mysql-driver.ts';

export type { MysqlBarrierOptions, MysqlExecutable } from './barrier/mysql-driver.ts';
export type { IsolationLevel } from './barrier/pg-driver.ts';
export type { DatabaseBarrier } from './barrier/create-barrier.ts';

/**
 * The branch barrier in MySQL and MariaDB, with a pool of `mysql2/promise`. Its table must exist (`holdfast barrier-schema`, or `ensureSchema()`); work gets
 * a connection of the pool with a transaction open on it. The statements of work must not end that: in MySQL each change of a schema does.
 *
 *     const barrier = mysqlBarrier(pool);
 *     app.post('/debit', branch(barrier, (call, tx) => tx.execute('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is none
 */
export const mysqlBarrier = (
  pool: Pool,
  options: MysqlBarrierOptions = {},
): DatabaseBarrier<PoolConnection, MysqlExecutable> =>
  createBarrier<PoolConnection, MysqlExecutable>(new MysqlDriver(pool, options));
