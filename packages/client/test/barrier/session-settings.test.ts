import { randomUUID } from 'node:crypto';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { BranchKey } from '../../src/barrier/barrier.ts';
import type { DatabaseBarrier } from '../../src/barrier/create-barrier.ts';
import { mysqlBarrier } from '../../src/mysql2.ts';
import { postgresBarrier } from '../../src/pg.ts';
import { type MysqlWorld, openMysqlWorld } from './mysql-world.ts';
import { openPostgresWorld } from './postgres-world.ts';

const callOf = (op: string, gid: string): BranchKey => ({ gid, transType: 'saga', branchId: '01', op });
const withUser = (url: string, username: string): string => Object.assign(new URL(url), { username }).href;

describeWith(['mariadbd'], 'the barrier in sessions of MariaDB that the application did not choose', () => {
  let world: MysqlWorld;
  beforeAll(async () => {
    world = await openMysqlWorld();
  });
  afterAll(() => world.close());

  /** A barrier of a user whose sessions begin with `init_connect`. */
  async function withSessions<T>(
    statement: string,
    privileges: string,
    body: (barrier: ReturnType<typeof mysqlBarrier>, pool: ReturnType<typeof createPool>) => Promise<T>,
  ): Promise<T> {
    await world.execute(`create or replace user plain@'127.0.0.1'`);
    await world.execute(`grant ${privileges} on *.* to plain@'127.0.0.1'`);
    await world.execute(`set global init_connect = "${statement}"`);
    const pool = createPool({ uri: withUser(world.server.url, 'plain'), connectionLimit: 1 });
    try {
      return await body(mysqlBarrier(pool), pool);
    } finally {
      await pool.end();
      await world.execute(`set global init_connect = ''`);
    }
  }

  const ROWS = 'select, insert, update, delete';

  it.each([
    'set autocommit = 0',
    'set completion_type = 1',
    'set completion_type = 2',
    'set sql_select_limit = 0',
    'set sql_safe_updates = 1',
    "set sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
    'set session transaction read only',
    'set session transaction isolation level serializable',
  ])('works, commits and purges: %s', async (statement) => {
    const gid = randomUUID();
    await withSessions(statement, ROWS, async (barrier, pool) => {
      expect(await barrier.run(callOf('action', gid), () => 1)).toEqual({ ran: true, value: 1 });
      expect(await barrier.run(callOf('action', gid), () => 1)).toEqual({
        ran: false,
        why: 'repeated',
        value: 1,
      });
      await expect(
        barrier.run(callOf('compensate', gid), () => {
          throw new Error('not now');
        }),
      ).rejects.toThrow('not now');
      const [open] = await pool.query<RowDataPacket[]>('select @@in_transaction as n');
      expect(open).toMatchObject(statement.includes('sql_select_limit') ? [] : [{ n: 0 }]);
      expect((await world.rows(gid)).map(({ op }) => op)).toEqual(['action']);
      expect(await barrier.purge({ olderThanMs: 0, limit: 10_000 })).toBeGreaterThan(0);
    });
    expect(await world.rows(gid)).toEqual([]);
  });

  it('ensureSchema() creates nothing if nothing is missing, and needs no privilege to create', async () => {
    await withSessions('', ROWS, async (barrier) => expect(await barrier.ensureSchema()).toBeUndefined());
  });

  it('ensureSchema() names the missing tables to a user without the privilege to create them', async () => {
    await withSessions('', ROWS, async (_, pool) => {
      await expect(mysqlBarrier(pool, { table: 'elsewhere.barrier' }).ensureSchema()).rejects.toThrow(
        /may not create .*barrier-schema/,
      );
    });
  });

  it('a user without privileges on the table of results works without results', async () => {
    await world.execute(`create or replace user rows_only@'127.0.0.1'`);
    await world.execute(`grant ${ROWS} on dtm_barrier.barrier to rows_only@'127.0.0.1'`);
    const pool = createPool({
      uri: withUser(world.server.url, 'rows_only').replace(/\/[^/]*$/, '/'),
      connectionLimit: 1,
    });
    onTestFinished(() => pool.end());
    expect(await outcomesOf(mysqlBarrier(pool))).toEqual(WITHOUT_RESULTS);
  });
});

/** The outcomes of two equal calls of a user, whatever its privileges on the table of results. */
async function outcomesOf<Tx extends Open, Open>(barrier: DatabaseBarrier<Tx, Open>): Promise<readonly unknown[]> {
  await barrier.ensureSchema();
  const gid = randomUUID();
  const outcomes = [
    await barrier.run(callOf('action', gid), () => 1),
    await barrier.run(callOf('action', gid), () => 1),
  ];
  return [...outcomes, (await barrier.purge({ olderThanMs: 0, limit: 10_000 })) > 0];
}

const timeoutOf = async (open: { query: pg.Pool['query'] }): Promise<string | undefined> =>
  (await open.query<{ lock_timeout: string }>('show lock_timeout')).rows[0]?.lock_timeout;

const WITHOUT_RESULTS = [{ ran: true, value: 1 }, { ran: false, why: 'repeated' }, true];

describeWith(['postgres'], 'the barrier in sessions of PostgreSQL that the application did not choose', () => {
  let world: Awaited<ReturnType<typeof openPostgresWorld>>;
  beforeAll(async () => {
    world = await openPostgresWorld();
  });
  afterAll(() => world.close());

  let roles = 0;
  async function withRole<T>(settings: string, body: (pool: pg.Pool) => Promise<T>): Promise<T> {
    const role = `plain_${++roles}`;
    await world.execute(`create role ${role} login; grant usage on schema dtm_barrier to ${role};
      grant select, insert, update, delete on all tables in schema dtm_barrier to ${role}`);
    if (settings !== '') await world.execute(`alter role ${role} set ${settings}`);
    const pool = new pg.Pool({ connectionString: withUser(world.server.url, role), max: 2 });
    try {
      return await body(pool);
    } finally {
      await pool.end();
    }
  }

  it.each([
    ['0', undefined, '10s'],
    ['1h', undefined, '10s'],
    ['100ms', undefined, '100ms'],
    ['0', 250, '250ms'],
    ['1h', 0, '1h'],
  ])(
    'bounds the waits for locks, and keeps a shorter bound of the session: %s, %s',
    async (own, lockTimeoutMs, bound) => {
      await withRole(`lock_timeout = '${own}'`, async (pool) => {
        const barrier = postgresBarrier(pool, lockTimeoutMs === undefined ? {} : { lockTimeoutMs });
        const outcome = await barrier.run(callOf('action', randomUUID()), (tx) => timeoutOf(tx));
        expect(outcome).toEqual({ ran: true, value: bound });
        // The next user of the connection has the session's own timeout.
        expect(await timeoutOf(pool)).toBe(own);
      });
    },
  );

  it('rejects a lock timeout that is not a non-negative whole number of ms', async () => {
    await withRole('', async (pool) => {
      for (const lockTimeoutMs of [-1, 0.5, Number.NaN])
        expect(() => postgresBarrier(pool, { lockTimeoutMs })).toThrow(/lockTimeoutMs/);
    });
  });

  it.each([
    'default_transaction_read_only = on',
    'default_transaction_isolation = serializable',
    'standard_conforming_strings = off',
    'search_path = nowhere',
  ])('works, commits and purges: %s', async (settings) => {
    const gid = randomUUID();
    await withRole(settings, async (pool) => {
      const barrier = postgresBarrier(pool);
      expect(await barrier.run(callOf('action', gid), () => 1)).toEqual({ ran: true, value: 1 });
      expect(await barrier.run(callOf('action', gid), () => 1)).toEqual({
        ran: false,
        why: 'repeated',
        value: 1,
      });
      expect(await barrier.purge({ olderThanMs: 0, limit: 10_000 })).toBeGreaterThan(0);
    });
    expect(await world.rows(gid)).toEqual([]);
  });

  it('ensureSchema() creates nothing if nothing is missing, and needs no privilege to create', async () => {
    await withRole('', async (pool) => expect(await postgresBarrier(pool).ensureSchema()).toBeUndefined());
  });

  it('ensureSchema() names the missing tables to a user without the privilege to create them', async () => {
    await withRole('', async (pool) => {
      await expect(postgresBarrier(pool, { table: 'elsewhere.barrier' }).ensureSchema()).rejects.toThrow(
        /may not create .*barrier-schema/,
      );
    });
  });

  it('a user without privileges on the table of results works without results', async () => {
    await withRole('', async (pool) => {
      await world.execute(`revoke insert on dtm_barrier.barrier_result from plain_${roles}`);
      expect(await outcomesOf(postgresBarrier(pool))).toEqual(WITHOUT_RESULTS);
    });
  });
});
