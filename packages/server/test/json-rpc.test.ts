import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
  shop.respond('/sold-out action', always(409, 'sold out'));
  shop.respond('/packing', always(425));
  shop.respond('/broken', always(500));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `rpc-${++serial}`;
});

const SUCCESS = { dtm_result: 'SUCCESS' };
const saga = (path: string) => ({
  gid,
  trans_type: 'saga',
  steps: [{ action: shop.url(path), compensate: shop.url(path) }],
  payloads: ['{}'],
  wait_result: true,
});

describe('JSON-RPC', () => {
  it('has the methods of the protocol, with the bodies of REST as params', async () => {
    const begun = await server.rpc('newGid');
    expect(begun.json).toEqual({
      jsonrpc: '2.0',
      id: 'x',
      result: { gid: expect.stringMatching(/^[0-9a-z]{26}$/) as string, dtm_result: 'SUCCESS' },
    });
    const url = shop.url('/ok');
    expect((await server.rpc('prepare', { gid, trans_type: 'tcc' })).json.result).toEqual(SUCCESS);
    const branch = { gid, trans_type: 'tcc', branch_id: '01', data: '', confirm: url, cancel: url };
    expect((await server.rpc('registerBranch', branch)).json.result).toEqual(SUCCESS);
    expect((await server.rpc('submit', { gid, trans_type: 'tcc', wait_result: true })).json.result).toEqual(SUCCESS);
    expect((await server.query(gid)).transaction.status).toBe('succeed');
    await server.rpc('prepare', { gid: `${gid}-2`, trans_type: 'tcc' });
    expect((await server.rpc('abort', { gid: `${gid}-2`, trans_type: 'tcc' })).json.result).toEqual(SUCCESS);
  });

  it('responds with 200 and JSON to any call, and with the code of an error', async () => {
    const cases = [
      [await server.rpc('submit', saga('/sold-out')), -32901],
      [await server.rpc('registerBranch', { gid: 'nobody', trans_type: 'tcc', branch_id: '01' }), -32901],
      [await server.rpc('submit', { ...saga('/ok'), trans_type: 'none' }), -32603],
      [await server.rpc('abort', { gid: 'nobody' }), -32603],
      [await server.rpc('refund', {}), -32601],
      [await server.rpc('toString', {}), -32601],
      [await server.post('/api/json-rpc', { id: 1, method: 'newGid' }), -32600],
      [await server.post('/api/json-rpc', { jsonrpc: '1.0', id: 1, method: 'newGid' }), -32600],
      [await server.post('/api/json-rpc', 'null'), -32600],
    ] as const;
    for (const [{ status, headers, json }, code] of cases) {
      expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
      expect(json).toMatchObject({ jsonrpc: '2.0', error: { code } });
      expect(json.error.message).not.toBe('');
    }
  });

  it('reports with a failure the status of the transaction, and with bad input the field', async () => {
    const failed = await server.rpc('submit', saga('/sold-out'));
    expect(failed.json.error).toMatchObject({ message: 'sold out', data: { dtm_result: 'FAILURE', status: 'failed' } });
    const bad = await server.rpc('submit', { ...saga('/ok'), retry_limit: 'x' });
    expect(bad.json.error.data).toMatchObject({ code: 'invalid', field: 'retry_limit' });
  });

  it('distinguishes a tcc that is still running from one whose branch failed in an unknown way', async () => {
    for (const [path, code] of [
      ['/packing', -32902],
      ['/broken', -32603],
    ] as const) {
      const tcc = { gid: gid + path, trans_type: 'tcc' };
      await server.rpc('prepare', tcc);
      await server.rpc('registerBranch', { ...tcc, branch_id: '01', confirm: shop.url(path) });
      expect((await server.rpc('submit', { ...tcc, wait_result: true })).json.error.code).toBe(code);
    }
  });

  it('rejects a text that is not JSON with 400, -32700 and the position', async () => {
    const { status, headers, json } = await server.post('/api/json-rpc', '{"jsonrpc": nonsense}');
    expect([status, headers.get('content-type')]).toEqual([400, 'application/json']);
    expect(json).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32700 } });
    expect(json.error.message).toContain('position 12');
  });

  it.each(['', 'text', 0, -1, 1.5, null])('accepts the id %j and returns it', async (id) => {
    expect((await server.rpc('newGid', undefined, id)).json).toMatchObject({ id, result: SUCCESS });
  });

  it.each([{ nested: 1 }, [1], true])('rejects the id %j', async (id) => {
    expect((await server.rpc('newGid', undefined, id)).json).toMatchObject({ id: null, error: { code: -32600 } });
  });

  it('rejects a request without an id, and does nothing', async () => {
    const request = { jsonrpc: '2.0', method: 'prepare', params: { gid, trans_type: 'tcc' } };
    const { status, json } = await server.post('/api/json-rpc', request);
    expect([status, json.id, json.error.code]).toEqual([200, null, -32600]);
    expect((await server.query(gid)).transaction).toBeNull();
  });

  describe('in batches', () => {
    const request = (id: number, method: string, params?: unknown) => ({ jsonrpc: '2.0', id, method, params });

    it('responds to each request at its position, and carries out those of one gid in order', async () => {
      const tcc = { gid, trans_type: 'tcc' };
      const { status, list } = await server.post('/api/json-rpc', [
        request(1, 'prepare', tcc),
        request(2, 'registerBranch', { ...tcc, branch_id: '01', confirm: shop.url('/ok') }),
        7,
        request(3, 'submit', { ...tcc, wait_result: true }),
        request(4, 'newGid'),
        request(5, 'nothing'),
      ]);
      expect(status).toBe(200);
      expect(list.map(({ id }) => id)).toEqual([1, 2, null, 3, 4, 5]);
      expect(list[3]?.result).toEqual(SUCCESS);
      expect([list[2]?.error.code, list[5]?.error.code]).toEqual([-32600, -32601]);
      expect((await server.query(gid)).transaction.status).toBe('succeed');
    });

    it.each([0, 101])('of %i requests are rejected as a whole', async (size) => {
      const batch = Array.from({ length: size }, (_, index) =>
        request(index, 'prepare', { gid: `${gid}-${index}`, trans_type: 'tcc' }),
      );
      const { status, json } = await server.post('/api/json-rpc', batch);
      expect([status, json.id, json.error.code]).toEqual([200, null, -32600]);
      expect((await server.query(`${gid}-0`)).transaction).toBeNull();
    });
  });
});
