import { startPostgres } from '@holdfast/testing/servers';
import { Pool } from 'pg';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { postgresBarrier, postgresXa } from '../../src/pg.ts';
import { xaSuite } from './suite.ts';
import { openPostgresXa } from './worlds.ts';

describeWith(['postgres'], 'XA on PostgreSQL', () => {
  xaSuite(openPostgresXa);

  it.each([
    [0, 'at least max_connections'],
    [1, 'the maximum number of prepared transactions'],
  ])('with max_prepared_transactions = %i the error names the setting', async (places, words) => {
    const server = await startPostgres([`max_prepared_transactions=${places}`]);
    if (server === undefined) throw new Error('PostgreSQL is not installed');
    const pool = new Pool({ connectionString: server.url });
    pool.on('error', () => {});
    try {
      await postgresBarrier(pool).ensureSchema();
      const xa = postgresXa(pool);
      const action = (branchId: string) => xa.run({ gid: 'g', transType: 'xa', branchId, op: 'action' }, () => {});
      if (places === 1) await action('01');
      const error: unknown = await action('02').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'xa_unusable' });
      expect(String(error)).toContain('max_prepared_transactions');
      expect(String(error)).toContain(words);
    } finally {
      await pool.end();
      await server.stop();
    }
  });
});
