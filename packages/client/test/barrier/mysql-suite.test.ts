import { barrierSuite } from '@holdfast/conformance';
import type { PoolConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../../../tools/src/describe-with.ts';
import { BarrierUnusable } from '../../src/barrier/errors.ts';
import type { MysqlExecutable } from '../../src/mysql2.ts';
import { type MysqlWorld, openMysqlWorld } from './mysql-world.ts';
import { withCoordinator } from '../support/with-coordinator.ts';
import { sqlCases } from './sql-cases.ts';

describeWith(['mariadbd'], 'on MariaDB', () => {
  let world: MysqlWorld;
  beforeAll(async () => {
    world = await openMysqlWorld();
  });
  afterAll(() => world.close());

  for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
    barrierSuite({ name: isolation, test: { describe, it }, createPlace: () => world.createPlace({ isolation }) });
  }

  describe('a message whose work commits by itself and then throws', () => {
    it.each(['create table made_by_work (id int)', 'commit'])('is sent, and says so: %s', async (commits) => {
      const { coordinator, hf } = await withCoordinator();
      const { barrier, add, read } = await world.createPlace();
      const thrown = new Error('the second half');
      const sent = hf
        .message('half')
        .step('http://bank-b/credit')
        .submitWith(barrier, 'http://bank-a/check', async (tx) => {
          await add(tx, -30);
          await tx.query(commits);
          throw thrown;
        });
      await expect(sent).rejects.toMatchObject({
        code: 'request_rejected',
        transactionStatus: 'submitted',
        cause: thrown,
      });
      expect(coordinator.transactions.get('half')?.status).toBe('submitted');
      expect(await read()).toBe(-30);
      await world.execute("delete from dtm_barrier.barrier where gid = 'half'");
    });
  });

  describe('the MySQL barrier', () => {
    sqlCases<PoolConnection, MysqlExecutable>(() => world);

    it('does not take the row of another gid for its own where the table does not tell case apart', async () => {
      await world.createDtmTable('without_case');
      const { barrier } = await world.createPlace({ table: 'without_case' });
      const call = { gid: 'gid-a', transType: 'saga', branchId: '01', op: 'action' } as const;
      await barrier.run(call, () => 0);
      await expect(barrier.run({ ...call, gid: 'GID-A' }, () => 0)).rejects.toBeInstanceOf(BarrierUnusable);
    });

    it('does not take a row that was not inserted for one that is there', async () => {
      await world.createDtmTable('only_tries');
      await world.execute('alter table only_tries drop primary key, add primary key (id, op)');
      await world.execute("alter table only_tries partition by list columns (op) (partition tries values in ('try'))");
      const { barrier } = await world.createPlace({ table: 'only_tries' });
      const call = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' } as const;
      await expect(barrier.run(call, () => 0)).rejects.toBeInstanceOf(BarrierUnusable);
    });
  });
});
