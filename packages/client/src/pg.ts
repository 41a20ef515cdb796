import type { Pool, PoolClient } from 'pg';
import { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
import { PgDriver, type PostgresBarrierOptions, type PostgresQueryable } from './barrier/pg-driver.ts';

export type { IsolationLevel, PostgresBarrierOptions, PostgresQueryable } from './barrier/pg-driver.ts';
export type { DatabaseBarrier } from './barrier/create-barrier.ts';

/**
 * The branch barrier in PostgreSQL. Its table must exist (`holdfast barrier-schema`, or `ensureSchema()`); work gets a client of the pool with a transaction
 * open on it.
 *
 *     const barrier = postgresBarrier(pool);
 *     app.post('/debit', branch(barrier, (call, tx) => tx.query('update …'), { of: debit }));
 *
 * @throws {RangeError} the table's name is none
 */
export const postgresBarrier = (
  pool: Pool,
  options: PostgresBarrierOptions = {},
): DatabaseBarrier<PoolClient, PostgresQueryable> =>
  createBarrier<PoolClient, PostgresQueryable>(new PgDriver(pool, options));
