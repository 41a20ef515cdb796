import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, StoreError } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

/** A store that writes, and whose records cannot be read while `broken`. */
class UnreadableStore extends MemoryStore {
  broken = false;

  override get(...args: Parameters<MemoryStore['get']>): ReturnType<MemoryStore['get']> {
    return this.broken ? Promise.reject(new StoreError('unavailable', 'reading fails')) : super.get(...args);
  }
}

it.each(['', '?waitMs=60'])(
  'a durable transaction is a success although it cannot be read afterwards (%s)',
  async (query) => {
    await using shop = await Participants.start();
    shop.respond('/stuck', always(500));
    const store = new UnreadableStore(Date.now);
    await using server = await TestServer.start({}, { store: new CheckedStore(store) });
    const steps = [{ action: shop.url('/stuck'), payload: 1 }];
    const queryPrepared = shop.url('/stuck');
    store.broken = true;
    for (const [body, status] of [
      [{ pattern: 'saga', steps }, 'submitted'],
      [{ pattern: 'msg', steps, queryPrepared, status: 'prepared' }, 'prepared'],
      [{ pattern: 'tcc' }, 'prepared'],
      [{ pattern: 'workflow', workflow: { name: 'w' }, queryPrepared }, 'prepared'],
    ] as const) {
      const response = await server.post(`/api/v1/transactions${query}`, body);
      expect([response.status, response.json.status]).toEqual([200, status]);
      store.broken = false;
      const read = await server.get(`/api/v1/transactions/${response.json.gid}`);
      expect(read.json).toMatchObject({ gid: response.json.gid, status });
      store.broken = true;
    }
    store.broken = false;
    const gid = 'w-1';
    const workflow = { gid, trans_type: 'workflow', query_prepared: queryPrepared, custom_data: '{"name":"w"}' };
    store.broken = true;
    const prepared = await server.dtm('prepareWorkflow', workflow);
    expect([prepared.status, prepared.json.transaction.status]).toEqual([200, 'prepared']);
  },
);

it('a caller that wants to wait is rejected before anything is durable when too many wait', async () => {
  await using shop = await Participants.start();
  shop.respond('/stuck', always(500));
  await using server = await TestServer.start({ maxWaiters: 1 });
  const steps = [{ action: shop.url('/stuck'), compensate: '', payload: 1 }];
  const first = server.post('/api/v1/transactions?waitMs=20000', { gid: 'first', pattern: 'saga', steps });
  await shop.called(1);
  const second = await server.post('/api/v1/transactions?waitMs=20000', { gid: 'second', pattern: 'saga', steps });
  expect([second.status, second.json.code]).toEqual([503, 'overloaded']);
  expect((await server.get('/api/v1/transactions/second')).status).toBe(404);
  const body = { gid: 'third', trans_type: 'saga', steps, payloads: ['1'], wait_result: true };
  expect((await server.dtm('submit', body)).status).toBe(503);
  expect((await server.rpc('submit', body)).json.error.code).toBe(-32_603);
  expect((await server.get('/api/v1/transactions/third')).status).toBe(404);
  await server.post('/api/v1/transactions/first/stop');
  expect((await first).json.status).toBe('failed');
});
