import { createRequire } from 'node:module';
import { barrierSuite } from '@holdfast/conformance';
import type * as mysql2 from 'mysql2/promise';
import type * as pg from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { MysqlExecutable } from '../../src/mysql2.ts';
import type { PostgresQueryable } from '../../src/pg.ts';
import { type MysqlWorld, openMysqlWorld } from './mysql-world.ts';
import { openPostgresWorld, type PostgresWorld } from './postgres-world.ts';
import { sqlCases } from './sql-cases.ts';

/**
 * By name, since the types are those of the newest. The newest is run by the tests of each
 * database.
 */
const load = createRequire(import.meta.url);

describeWith(['postgres'], 'the oldest version of pg, on PostgreSQL', () => {
  let world: PostgresWorld;
  beforeAll(async () => {
    world = await openPostgresWorld(load('pg-oldest') as typeof pg);
  });
  afterAll(() => world.close());
  barrierSuite({ name: 'pg-oldest', test: { describe, it }, createPlace: () => world.createPlace() });
  sqlCases<pg.PoolClient, PostgresQueryable>(() => world);
});

describeWith(['mariadbd'], 'the oldest version of mysql2, on MariaDB', () => {
  let world: MysqlWorld;
  beforeAll(async () => {
    world = await openMysqlWorld(load('mysql2-oldest/promise') as typeof mysql2);
  });
  afterAll(() => world.close());
  barrierSuite({ name: 'mysql2-oldest', test: { describe, it }, createPlace: () => world.createPlace() });
  sqlCases<mysql2.PoolConnection, MysqlExecutable>(() => world);
});
