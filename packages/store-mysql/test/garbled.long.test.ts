import { garblingProxy } from '@holdfast/testing/servers';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { garbledServerCases } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

describeWith(['mariadbd'], 'a MariaDB whose responses are spoiled', () => {
  const { url } = useServer();
  const prefix = newPrefix();
  garbledServerCases(url, (at, timeoutMs) =>
    createMysqlStore({
      url: at,
      prefix,
      ...(timeoutMs !== undefined && { statementTimeoutMs: timeoutMs, connectTimeoutMs: timeoutMs }),
    }),
  );

  it('a packet that is not the next one of its response is not taken for a part of it', async () => {
    const proxy = await garblingProxy(url());
    const store = createMysqlStore({ url: proxy.url, prefix });
    try {
      await store.open();
      await store.nowMs();
      proxy.garble((sent) => {
        const changed = Buffer.from(sent);
        changed[3] = 77;
        return changed;
      });
      await expect(store.nowMs()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('packet 77 came instead of 1') as string,
      });
      proxy.garble(undefined);
      expect(await store.nowMs()).toBeGreaterThan(0);
    } finally {
      await store.close();
      await proxy.close();
    }
  });
});
