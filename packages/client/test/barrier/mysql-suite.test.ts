import { barrierSuite } from '@holdfast/conformance';
import type { PoolConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { BarrierUnusable } from '../../src/barrier/errors.ts';
import type { MysqlExecutable } from '../../src/mysql2.ts';
import { type MysqlWorld, openMysqlWorld } from './mysql-world.ts';
import { withCoordinator } from '../support/with-coordinator.ts';
import { repeatedUseCases } from './repeated-use-cases.ts';
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

  describe('a message whose work commits implicitly and then throws', () => {
    it.each(['create table made_by_work (id int)', 'commit'])(
      'is sent, and the error reports it: %s',
      async (commits) => {
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
          status: 'submitted',
          cause: thrown,
        });
        expect(coordinator.transactions.get('half')?.status).toBe('submitted');
        expect(await read()).toBe(-30);
        await world.execute("delete from dtm_barrier.barrier where gid = 'half'");
      },
    );
  });

  describe('the MySQL barrier', () => {
    sqlCases<PoolConnection, MysqlExecutable>(() => world);
    repeatedUseCases<PoolConnection, MysqlExecutable>(() => world);

    it.each([
      ['case', 'gid-a', 'GID-A'],
      ['accents', 'gid-e', 'gid-\u00e9'],
      ['normal forms', 'gid-\u00e9', 'gid-e\u0301'],
      ['trailing blanks', 'gid-b', 'gid-b '],
      ['characters beyond the first plane', 'gid-\u{1f600}', 'gid-\u{1f601}'],
    ])('a table of dtm that ignores %s: one gid is never taken for another', async (difference, gid, other) => {
      const table = `of_dtm_${difference.replaceAll(' ', '_')}`;
      await world.createDtmTable(table);
      const { barrier } = await world.createPlace({ table });
      const call = { gid, transType: 'saga', branchId: '01', op: 'action' } as const;
      await barrier.run(call, () => 0);
      let ran = false;
      const result = await barrier.run({ ...call, gid: other }, () => (ran = true)).catch((error: unknown) => error);
      // Either the call runs, or it is rejected loudly; it is never taken for a repetition.
      if (!ran) expect(result).toBeInstanceOf(BarrierUnusable);
      // Another request: the same one would count as its second use.
      const again = await barrier.run({ ...call }, () => 1);
      expect(again).toEqual({ ran: false, why: 'repeated' });
    });

    it('a trailing blank, which the collation ignores, is rejected and not taken for a repetition', async () => {
      const { barrier } = await world.createPlace({});
      const call = { gid: 'blank', transType: 'saga', branchId: '01', op: 'action' } as const;
      await barrier.run(call, () => 0);
      await expect(barrier.run({ ...call, gid: 'blank ' }, () => 0)).rejects.toThrow(/takes for the same/);
      await expect(barrier.run({ ...call, gid: 'Blank' }, () => 7)).resolves.toEqual({ ran: true, value: 7 });
    });

    it('does not mistake a row that was not inserted for an existing one', async () => {
      await world.createDtmTable('only_tries');
      await world.execute('alter table only_tries drop primary key, add primary key (id, op)');
      await world.execute("alter table only_tries partition by list columns (op) (partition tries values in ('try'))");
      const { barrier } = await world.createPlace({ table: 'only_tries' });
      const call = { gid: 'g', transType: 'saga', branchId: '01', op: 'action' } as const;
      await expect(barrier.run(call, () => 0)).rejects.toBeInstanceOf(BarrierUnusable);
    });
  });
});
