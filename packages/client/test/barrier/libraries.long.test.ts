import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { type DatabaseServer, startMariadb, startPostgres } from '@holdfast/testing/servers';
import { createPool as createCallbackPool } from 'mysql2';
import { createPool, type Pool as MysqlPool, type PoolConnection } from 'mysql2/promise';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { BranchKey } from '../../src/barrier/barrier.ts';
import { type MysqlExecutable, mysqlBarrier } from '../../src/mysql2.ts';
import { postgresBarrier, type PostgresQueryable } from '../../src/pg.ts';
import { MysqlXaDialect } from '../../src/xa-participant/mysql-xa-dialect.ts';

const load = createRequire(import.meta.url);

/* The parts of the libraries that these tests use, so that the libraries’ types are not needed. */
interface Knex {
  transaction<T>(work: (trx: KnexTransaction) => Promise<T>): Promise<T>;
  destroy(): Promise<void>;
}
interface KnexTransaction {
  (table: 'account'): { increment(column: 'balance', amount: number): Promise<unknown> };
  raw(text: string, values: unknown): Promise<never>;
}
interface Kysely {
  transaction(): { execute<T>(work: (trx: KyselyTransaction) => Promise<T>): Promise<T> };
  destroy(): Promise<void>;
}
interface KyselyTransaction {
  executeQuery(query: unknown): Promise<{ readonly rows: readonly unknown[]; readonly numAffectedRows?: bigint }>;
  withoutPlugins(): KyselyTransaction;
}
interface Drizzle {
  execute(query: unknown): Promise<unknown>;
}
const knex = load('knex') as (options: object) => Knex;
const kysely = load('kysely') as {
  readonly Kysely: new (options: object) => Kysely;
  readonly PostgresDialect: new (options: object) => object;
  readonly MysqlDialect: new (options: object) => object;
  readonly CamelCasePlugin: new () => object;
  readonly CompiledQuery: { raw(text: string, values: readonly unknown[]): unknown };
};
const drizzle = {
  sql: (load('drizzle-orm') as { readonly sql: { raw(text: string): unknown } }).sql,
  pg: (load('drizzle-orm/node-postgres') as { readonly drizzle: (client: unknown) => Drizzle }).drizzle,
  mysql2: (load('drizzle-orm/mysql2') as { readonly drizzle: (client: unknown) => Drizzle }).drizzle,
};

const callOf = (op: 'action' | 'compensate', gid: string): BranchKey => ({
  gid,
  transType: 'saga',
  branchId: '01',
  op,
});

/** Carries a call out in a transaction of the library, and adds the amount to the account. */
type Carry = (call: BranchKey, amount: number, fails?: boolean) => Promise<{ ran: boolean; value?: unknown }>;

/** What a transaction of any library must give. */
async function expectExactlyOnce(carry: Carry, balance: () => Promise<number>): Promise<void> {
  const [gid, empty] = [randomUUID(), randomUUID()];
  const before = await balance();
  await expect(carry(callOf('action', gid), 30, true)).rejects.toThrow('no');
  expect(await balance()).toBe(before);
  expect(await carry(callOf('action', gid), 30)).toMatchObject({ ran: true, value: 'receipt' });
  expect(await carry(callOf('action', gid), 30)).toEqual({ ran: false, why: 'repeated', value: 'receipt' });
  expect(await balance()).toBe(before + 30);
  expect(await carry(callOf('compensate', gid), -30)).toMatchObject({ ran: true });
  expect(await carry(callOf('compensate', gid), -30)).toMatchObject({ ran: false, why: 'repeated' });
  expect(await carry(callOf('compensate', empty), -30)).toMatchObject({ ran: false, why: 'empty' });
  await expect(carry(callOf('action', empty), 30)).rejects.toThrow('was undone before');
  expect(await balance()).toBe(before);
}

const finish = (fails: boolean): string => {
  if (fails) throw new Error('no');
  return 'receipt';
};

describeWith(['postgres'], 'the PostgreSQL barrier in a transaction of', () => {
  let server: DatabaseServer | undefined;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new Pool({ connectionString: server?.url });
    pool.on('error', () => {});
    await postgresBarrier(pool).ensureSchema();
    await pool.query('create table account (balance int not null); insert into account values (100)');
  });
  afterAll(async () => {
    await pool.end();
    await server?.stop();
  });
  const balance = async () => {
    const { rows } = await pool.query<{ balance: number }>('select balance from account');
    return rows[0]?.balance ?? Number.NaN;
  };

  it('Knex', async () => {
    const barrier = postgresBarrier(pool);
    const db = knex({ client: 'pg', connection: server?.url });
    const open = (trx: KnexTransaction): PostgresQueryable => ({
      query: (text, values) =>
        trx.raw(
          text.replaceAll(/\$(\d+)/g, ':p$1'),
          Object.fromEntries(values.map((value, i) => [`p${i + 1}`, value])),
        ),
    });
    const carry: Carry = (call, amount, fails = false) =>
      db.transaction((trx) =>
        barrier.within(open(trx), call, async () => {
          await trx('account').increment('balance', amount);
          return finish(fails);
        }),
      );
    onTestFinished(() => db.destroy());
    await expectExactlyOnce(carry, balance);
  });

  it.each([[[]], [[new kysely.CamelCasePlugin()]]])('Kysely', async (plugins) => {
    const barrier = postgresBarrier(pool);
    const own = new Pool({ connectionString: server?.url });
    const db = new kysely.Kysely({ dialect: new kysely.PostgresDialect({ pool: own }), plugins });
    const open = (trx: KyselyTransaction): PostgresQueryable => ({
      query: (text, values) => trx.executeQuery(kysely.CompiledQuery.raw(text, values)),
    });
    const carry: Carry = (call, amount, fails = false) =>
      db.transaction().execute((trx) =>
        barrier.within(open(trx), call, async () => {
          await trx.executeQuery(kysely.CompiledQuery.raw('update account set balance = balance + $1', [amount]));
          return finish(fails);
        }),
      );
    onTestFinished(() => db.destroy());
    await expectExactlyOnce(carry, balance);
  });

  it('Drizzle, over the connection of the barrier', async () => {
    const barrier = postgresBarrier(pool);
    const carry: Carry = (call, amount, fails = false) =>
      barrier.run(call, async (tx) => {
        await drizzle.pg(tx).execute(drizzle.sql.raw(`update account set balance = balance + ${amount}`));
        return finish(fails);
      });
    await expectExactlyOnce(carry, balance);
  });
});

describeWith(['mariadbd'], 'the MySQL barrier in a transaction of', () => {
  let server: DatabaseServer | undefined;
  let pool: MysqlPool;
  beforeAll(async () => {
    server = await startMariadb();
    pool = createPool({ uri: server?.url ?? '' });
    await mysqlBarrier(pool).ensureSchema();
    await pool.query('create table account (balance int not null)');
    await pool.query('insert into account values (100)');
  });
  afterAll(async () => {
    await pool.end();
    await server?.stop();
  });
  const balance = async () => {
    const [rows] = await pool.query('select balance from account');
    return (rows as { balance: number }[])[0]?.balance ?? Number.NaN;
  };

  it.each([
    ['Knex', {}],
    ['Knex with results in camel case', { postProcessResponse: camelCase }],
  ])('%s', async (_name, options) => {
    const barrier = mysqlBarrier(pool);
    const db = knex({ client: 'mysql2', connection: server?.url, ...options });
    const open = (trx: KnexTransaction): MysqlExecutable => ({ execute: (text, values) => trx.raw(text, values) });
    const carry: Carry = (call, amount, fails = false) =>
      db.transaction((trx) =>
        barrier.within(open(trx), call, async () => {
          await trx('account').increment('balance', amount);
          return finish(fails);
        }),
      );
    onTestFinished(() => db.destroy());
    await expectExactlyOnce(carry, balance);
  });

  it.each([
    ['Kysely', []],
    ['Kysely with results in camel case', [new kysely.CamelCasePlugin()]],
  ])('%s', async (_name, plugins) => {
    const barrier = mysqlBarrier(pool);
    const own = createCallbackPool({ uri: server?.url ?? '' });
    const db = new kysely.Kysely({ dialect: new kysely.MysqlDialect({ pool: own }), plugins });
    const open = (trx: KyselyTransaction): MysqlExecutable => ({
      execute: async (text, values) => {
        const { rows, numAffectedRows } = await trx.executeQuery(kysely.CompiledQuery.raw(text, values));
        return [numAffectedRows === undefined ? rows : { affectedRows: Number(numAffectedRows) }];
      },
    });
    const carry: Carry = (call, amount, fails = false) =>
      db.transaction().execute((trx) =>
        barrier.within(open(trx), call, async () => {
          await trx.executeQuery(kysely.CompiledQuery.raw('update account set balance = balance + ?', [amount]));
          return finish(fails);
        }),
      );
    onTestFinished(() => db.destroy());
    await expectExactlyOnce(carry, balance);
  });

  it('Drizzle, over the connection of the barrier', async () => {
    const barrier = mysqlBarrier(pool);
    const carry: Carry = (call, amount, fails = false) =>
      barrier.run(call, async (tx) => {
        await drizzle.mysql2(tx).execute(drizzle.sql.raw(`update account set balance = balance + ${amount}`));
        return finish(fails);
      });
    await expectExactlyOnce(carry, balance);
  });

  describe('a pool of mysql2 with', () => {
    it.each([
      ['rowsAsArray', { rowsAsArray: true }],
      ['nestTables', { nestTables: true }],
      ['a prefix of tables', { nestTables: '_' }],
      ['typeCast: false', { typeCast: false }],
      ['namedPlaceholders', { namedPlaceholders: true }],
      [
        'multipleStatements, dateStrings and numbers as text',
        { multipleStatements: true, dateStrings: true, supportBigNumbers: true, bigNumberStrings: true },
      ],
      ['affected rows that are changed rows', { flags: ['-FOUND_ROWS'] }],
    ] as const)('%s', async (_name, options) => {
      const own = createPool({ uri: server?.url ?? '', ...(options as object) });
      const barrier = mysqlBarrier(own);
      const carry: Carry = (call, amount, fails = false) =>
        barrier.run(call, async (tx) => {
          await tx.query('update account set balance = balance + ?', [amount]);
          return finish(fails);
        });
      await expectExactlyOnce(carry, balance);
      const xa = new MysqlXaDialect(own, {});
      const name = randomUUID();
      const open = await xa.open(name);
      await xa.withShortWaits(open?.tx as PoolConnection, 0, async () =>
        open?.tx.query('update account set balance = balance + 1'),
      );
      expect(await xa.isPrepared(name)).toBe(false);
      await open?.prepare();
      expect(await xa.isPrepared(name)).toBe(true);
      expect([await xa.end(name, 'rollback'), await xa.end(name, 'rollback')]).toEqual(['ended', 'missing']);
      expect(await xa.isPrepared(name)).toBe(false);
      await own.end();
    });
  });
});

function camelCase(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(camelCase);
  if (typeof result !== 'object' || result === null || 'affectedRows' in result) return result;
  return Object.fromEntries(
    Object.entries(result).map(([key, value]) => [
      key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
