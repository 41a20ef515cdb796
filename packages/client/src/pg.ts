import type { Pool, PoolClient } from 'pg';
import { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
import { PgDialect, type PostgresBarrierOptions, type PostgresQueryable } from './barrier/pg-dialect.ts';
import { PgXaDialect } from './xa-participant/pg-xa-dialect.ts';
import { DialectXa, type XaOptions, type XaParticipant } from './xa-participant/xa-participant.ts';

export type { IsolationLevel, PostgresBarrierOptions, PostgresQueryable } from './barrier/pg-dialect.ts';
export type { DatabaseBarrier } from './barrier/create-barrier.ts';
export type { XaOptions, XaParticipant } from './xa-participant/xa-participant.ts';
export { XaLockTimeout, XaUndecided, XaUnusable } from './xa-participant/errors.ts';

/**
 * The branch barrier in PostgreSQL. Its table must exist (`holdfast barrier-schema`, or
 * `ensureSchema()`); the work receives a client of the pool with an open transaction.
 *
 *     const barrier = postgresBarrier(pool);
 *     app.post('/debit', branch(barrier, (call, tx) => tx.query('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is invalid
 */
export const postgresBarrier = (
  pool: Pool,
  options: PostgresBarrierOptions = {},
): DatabaseBarrier<PoolClient, PostgresQueryable> =>
  createBarrier<PoolClient, PostgresQueryable>(new PgDialect(pool, options));

/**
 * The participant's side of XA in PostgreSQL: at one URL, `branch` serves action, commit and
 * rollback with it. The work receives a client of the pool with an open transaction, which is
 * prepared (`PREPARE TRANSACTION`) when the work returns; the work must not use temporary tables,
 * cursors `with hold`, `listen` or `notify`. `max_prepared_transactions` must be set (default: 0,
 * none), and the barrier's table must exist.
 *
 *     const xa = postgresXa(pool, { coordinator: 'http://coordinator:36789' });
 *     app.post('/xa/debit', branch(xa, (call, tx) => tx.query('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is invalid, or the lock timeout is out of range
 * @throws {TypeError} the coordinator's URL is invalid
 */
export const postgresXa = (pool: Pool, options: XaOptions = {}): XaParticipant<PoolClient> =>
  new DialectXa(new PgXaDialect(pool, options), options);
