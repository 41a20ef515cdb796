import type { Pool, PoolConnection } from 'mysql2/promise';
import { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
import { MysqlDriver, type MysqlBarrierOptions, type MysqlExecutable } from './barrier/mysql-driver.ts';
import { MysqlXaDriver } from './xa-participant/mysql-xa-driver.ts';
import { DriverXa, type XaOptions, type XaParticipant } from './xa-participant/xa-participant.ts';

export type { MysqlBarrierOptions, MysqlExecutable } from './barrier/mysql-driver.ts';
export type { IsolationLevel } from './barrier/pg-driver.ts';
export type { DatabaseBarrier } from './barrier/create-barrier.ts';
export type { XaOptions, XaParticipant } from './xa-participant/xa-participant.ts';
export { XaLockTimeout, XaUndecided, XaUnusable } from './xa-participant/errors.ts';

/**
 * The branch barrier in MySQL and MariaDB, with a pool of `mysql2/promise`. Its table must exist
 * (`holdfast barrier-schema`, or `ensureSchema()`); work gets a connection of the pool with a
 * transaction open on it. The statements of work must not end that: in MySQL each change of a
 * schema does.
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

/**
 * The participant's side of XA in MySQL and MariaDB, with a pool of `mysql2/promise`: at one URL,
 * `branch` serves action, commit and rollback with it. Work gets a connection of the pool with an
 * XA transaction open on it, which is prepared when work returns; the connection is closed then,
 * since MariaDB keeps what is prepared on it from others until it is. The barrier's table must
 * exist, and in MySQL the user needs `XA_RECOVER_ADMIN`.
 *
 * An action whose gid and branch id take more than 63 bytes together is refused: the name of an XA
 * transaction has 64.
 *
 *     const xa = mysqlXa(pool, { coordinator: 'http://coordinator:36789' });
 *     app.post('/xa/debit', branch(xa, (call, tx) => tx.execute('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is none, or the lock timeout is out of range
 * @throws {TypeError} the coordinator's URL is none
 */
export const mysqlXa = (pool: Pool, options: XaOptions = {}): XaParticipant<PoolConnection> =>
  new DriverXa(new MysqlXaDriver(pool, options), options);
