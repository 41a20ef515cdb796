import { startPgBouncer } from '@holdfast/testing/servers';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres', 'pgbouncer'], 'a store behind PgBouncer', () => {
  const { url } = useServer();

  async function withPgBouncer(
    mode: 'session' | 'transaction' | 'statement',
    settings: readonly string[],
    body: (pooled: string) => Promise<void>,
  ): Promise<void> {
    const pooler = await startPgBouncer(url(), mode, settings);
    if (pooler === undefined) throw new Error('PgBouncer is not installed');
    try {
      await body(pooler.url);
    } finally {
      await pooler.stop();
    }
  }

  it('works when it pools by session', async () => {
    await withPgBouncer('session', [], async (pooled) => {
      const schema = newSchema();
      const stores = Array.from({ length: 3 }, () => createPostgresStore({ url: pooled, schema }));
      for (const store of stores) await store.open();
      await Promise.all(
        stores.flatMap((store, i) => Array.from({ length: 20 }, (_, n) => store.write([insertOf(`gid-${i}-${n}`)]))),
      );
      expect((await stores[0]?.count())?.byStatus.submitted).toBe(60);
      for (const store of stores) await store.close();
    });
  });

  it.each([
    ['transaction', []],
    ['transaction', ['server_round_robin = 1', 'min_pool_size = 5']],
    ['statement', []],
  ] as const)('is rejected at open when it pools by %s %s, with the fix', async (mode, settings) => {
    await withPgBouncer(mode, settings, async (pooled) => {
      const schema = newSchema();
      // Before and after there are tables, and idle server connections that others have used.
      for (let attempt = 0; attempt < 2; attempt++) {
        for (let time = 0; time < 5; time++) {
          const store = createPostgresStore({ url: pooled, schema });
          await expect(store.open()).rejects.toMatchObject({ code: 'unavailable' });
          await expect(store.open()).rejects.toThrow(/pool_mode = session/);
        }
        const direct = createPostgresStore({ url: url(), schema });
        await direct.open();
        await direct.close();
      }
    });
  });
});
