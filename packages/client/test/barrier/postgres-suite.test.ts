import { barrierSuite } from '@holdfast/conformance';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../../../tools/src/describe-with.ts';
import type { PostgresQueryable } from '../../src/pg.ts';
import { openPostgresWorld, type PostgresWorld } from './postgres-world.ts';
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

    it('a commit that is refused is no doubt: the error is thrown as it is', async () => {
      await world.execute('create table unique_later (id int unique deferrable initially deferred)');
      const { barrier } = await world.createPlace();
      const twice = (tx: PoolClient) => tx.query('insert into unique_later values (1), (1)');
      await expect(barrier.message('refused at commit', twice)).rejects.toMatchObject({ code: '23505' });
      expect(await barrier.checkBack('refused at commit')).toBe('refused');
    });

    it('refuses an upper-case table, which others would take for another', async () => {
      await expect(world.createPlace({ table: 'Barrier' })).rejects.toThrow(RangeError);
    });
  });
});
