import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** The same in Latin-1: each letter is one byte. */
const latin1 = (body: object): Buffer => Buffer.from(JSON.stringify(body), 'latin1');

const send = async (path: string, body: Buffer): Promise<readonly [number, string]> => {
  const response = await fetch(server.url + path, { method: 'POST', body: new Uint8Array(body) });
  return [response.status, await response.text()];
};

describe('a request that is not UTF-8', () => {
  it.each([
    ['/api/dtmsvr/prepare', { gid: 'caf\u00e9', trans_type: 'tcc' }],
    ['/api/json-rpc', { jsonrpc: '2.0', id: 1, method: 'prepare', params: { gid: 'caf\u00e9', trans_type: 'tcc' } }],
    ['/api/v1/transactions', { gid: 'caf\u00e9', pattern: 'tcc' }],
  ])('is rejected, whole or in chunks: %s', async (path, body) => {
    const [status, text] = await send(path, latin1(body));
    expect([status, text]).toEqual([400, expect.stringContaining('not UTF-8')]);
    const chunked = await fetch(server.url + path, {
      method: 'POST',
      body: new Blob([new Uint8Array(latin1(body))]).stream(),
      duplex: 'half',
    });
    expect(chunked.status).toBe(400);
    expect((await server.get('/api/v1/transactions')).json.items).toEqual([]);
  });

  it.each(['/api/v1/transactions/caf%e9', '/api/dtmsvr/query?gid=caf%E9', '/api/dtmsvr/query?gid=%c3%a9%ff'])(
    'is rejected by its URL: %s',
    async (path) => {
      const response = await server.get(path);
      expect([response.status, response.text]).toEqual([400, expect.stringContaining('not UTF-8')]);
    },
  );

  it('is none when it has any character of Unicode, and a byte order mark', async () => {
    const gid = 'caf\u00e9-\u{1f600}';
    expect((await server.dtm('prepare', `\ufeff{"gid":"${gid}","trans_type":"tcc"}`)).status).toBe(200);
    expect((await server.query(gid)).transaction.gid).toBe(gid);
    expect((await server.get(`/api/v1/transactions/${encodeURIComponent(gid)}`)).json.gid).toBe(gid);
    expect((await server.get('/api/dtmsvr/query?gid=100%')).status).toBe(200);
  });
});

describe('half a surrogate pair', () => {
  it('in a payload over dtm is rejected by its field', async () => {
    const steps = [{ action: 'http://127.0.0.1:9/' }];
    const saga = `{"gid":"half","trans_type":"saga","steps":${JSON.stringify(steps)},"payloads":["a\\ud800"]}`;
    const response = await server.dtm('submit', saga);
    expect([response.status, response.json.field]).toEqual([400, 'payloads[0]']);
    await server.dtm('prepare', { gid: 'half-tcc', trans_type: 'tcc' });
    const branch = '{"gid":"half-tcc","trans_type":"tcc","branch_id":"01","data":"\\udc00"}';
    const registered = await server.dtm('registerBranch', branch);
    expect([registered.status, registered.json.field]).toEqual([400, 'data']);
  });
});
