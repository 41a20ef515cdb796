import { barrierSuite } from '@holdfast/conformance';
import { Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { TransactionEnded } from '../../src/barrier/errors.ts';
import { postgresBarrier, type PostgresQueryable } from '../../src/pg.ts';
import { openPostgresWorld, type PostgresWorld } from './postgres-world.ts';
import { repeatedUseCases } from './repeated-use-cases.ts';
import { sqlCases } from './sql-cases.ts';

describeWith(['postgres'], 'on PostgreSQL', () => {
  let world: PostgresWorld;
  beforeAll(async () => {
    world = await openPostgresWorld();
  });
  afterAll(() => world.close());

  for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
    barrierSuite({ name: isolation, test: { describe, it }, createPlace: () => world.createPlace({ isolation }) });
  }

  describe('the PostgreSQL barrier', () => {
    sqlCases<PoolClient, PostgresQueryable>(() => world);
    repeatedUseCases<PoolClient, PostgresQueryable>(() => world);

    it('a rejected commit is not in doubt: the error is thrown unchanged', async () => {
      await world.execute('create table unique_later (id int unique deferrable initially deferred)');
      const { barrier } = await world.createPlace();
      const twice = (tx: PoolClient) => tx.query('insert into unique_later values (1), (1)');
      await expect(barrier.message('refused at commit', twice)).rejects.toMatchObject({ code: '23505' });
      expect(await barrier.checkBack('refused at commit')).toBe('refused');
    });

    it('a transaction that the work itself ended is not a success', async () => {
      const { barrier, add, read } = await world.createPlace();
      const call = () => ({ gid: 'ended by its work', transType: 'saga', branchId: '01', op: 'action' }) as const;
      for (const end of ['rollback', 'commit']) {
        const run = barrier.run(call(), async (tx) => {
          await add(tx, 1);
          await tx.query(end);
        });
        await expect(run).rejects.toBeInstanceOf(TransactionEnded);
      }
      expect(await barrier.run(call(), (tx) => add(tx, 1))).toEqual({ ran: false, why: 'repeated' });
      expect(await read()).toBe(1);
    });

    it('creates its table in an existing schema as a user without the privilege to create schemas', async () => {
      await world.execute('create role tenant login');
      await world.execute('create schema tenant authorization tenant');
      const url = new URL(world.server.url);
      url.username = 'tenant';
      const pool = new Pool({ connectionString: url.href, max: 1 });
      onTestFinished(() => pool.end());
      const barrier = postgresBarrier(pool, { table: 'tenant.barrier' });
      await barrier.ensureSchema();
      await world.execute('revoke create on schema tenant from tenant');
      await barrier.ensureSchema();
      const call = { gid: 'tenant', transType: 'saga', branchId: '01', op: 'action' } as const;
      expect(await barrier.run(call, () => 1)).toEqual({ ran: true, value: 1 });
    });

    it('rejects a table name in upper case, which other programs would fold to lower case', async () => {
      await expect(world.createPlace({ table: 'Barrier' })).rejects.toThrow(RangeError);
    });
  });
});
