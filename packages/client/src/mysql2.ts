import type { Pool, PoolConnection } from 'mysql2/promise';
import { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
import { MysqlDialect, type MysqlBarrierOptions, type MysqlExecutable } from './barrier/mysql-dialect.ts';
import { MysqlXaDialect } from './xa-participant/mysql-xa-dialect.ts';
import { DialectXa, type XaOptions, type XaParticipant } from './xa-participant/xa-participant.ts';

export type { MysqlBarrierOptions, MysqlExecutable } from './barrier/mysql-dialect.ts';
export type { IsolationLevel } from './barrier/pg-dialect.ts';
export type { DatabaseBarrier } from './barrier/create-barrier.ts';
export type { XaOptions, XaParticipant } from './xa-participant/xa-participant.ts';
export { XaLockTimeout, XaUndecided, XaUnusable } from './xa-participant/errors.ts';

/**
 * The branch barrier in MySQL and MariaDB, with a pool of `mysql2/promise`. Its table must exist
 * (`holdfast barrier-schema`, or `ensureSchema()`); the work receives a connection of the pool with
 * an open transaction. The statements of the work must not end this transaction, as each change of
 * a schema does in MySQL.
 *
 *     const barrier = mysqlBarrier(pool);
 *     app.post('/debit', branch(barrier, (call, tx) => tx.execute('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is invalid
 */
export const mysqlBarrier = (
  pool: Pool,
  options: MysqlBarrierOptions = {},
): DatabaseBarrier<PoolConnection, MysqlExecutable> =>
  createBarrier<PoolConnection, MysqlExecutable>(new MysqlDialect(pool, options));

/**
 * The participant's side of XA in MySQL and MariaDB, with a pool of `mysql2/promise`: at one URL,
 * `branch` serves action, commit and rollback with it. The work receives a connection of the pool
 * with an open XA transaction, which is prepared when the work returns. The connection is then
 * closed, since in MariaDB no other connection can end the prepared transaction before that. The
 * barrier's table must exist, and in MySQL the user needs `XA_RECOVER_ADMIN`.
 *
 * An action whose gid and branch ID together exceed 63 bytes is rejected: the name of an XA
 * transaction has at most 64.
 *
 *     const xa = mysqlXa(pool, { coordinator: 'http://coordinator:36789' });
 *     app.post('/xa/debit', branch(xa, (call, tx) => tx.execute('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is invalid, or the lock timeout is out of range
 * @throws {TypeError} the coordinator's URL is invalid
 */
export const mysqlXa = (pool: Pool, options: XaOptions = {}): XaParticipant<PoolConnection> =>
  new DialectXa(new MysqlXaDialect(pool, options), options);
