import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `text-${++serial}`;
  shop.seen.length = 0;
});

const PAYLOADS = [
  '738529527931269425',
  '1.10',
  '1e400',
  '-0.0',
  '{"id":738529527931269425,"1":2,"0" : [ 1.0 ] ,"a":"\\u00e9\\ud800/\\/é","a":2}',
  '"payload"',
  'null',
];
/** Fields around the payload, some of which look like it. */
const bodyOf = (fields: string, payload: string): string =>
  `{"gid":"${gid}", ${fields.replaceAll('PAYLOAD', () => payload).replaceAll('URL', shop.url('/ok'))}}`;

describe('/api/v1 passes on unchanged', () => {
  it.each(PAYLOADS)('the payloads of steps: %s', async (payload) => {
    const steps = `"steps":[{"action":"URL","payload": PAYLOAD },{"payload":0,"payload":PAYLOAD,"action":"URL"}]`;
    const body = bodyOf(`"pattern":"saga","queryPrepared":"",${steps}`, payload).replace('"queryPrepared":"",', '');
    expect((await server.post('/api/v1/transactions?waitMs=10000', body)).json.status).toBe('succeed');
    expect(shop.seen.map((seen) => seen.body)).toEqual([payload, payload]);
  });

  it.each(PAYLOADS)('the payload of a branch of a tcc: %s', async (payload) => {
    await server.post('/api/v1/transactions', { gid, pattern: 'tcc' });
    const branch = bodyOf('"pattern":"tcc","branchId":"01","confirm":"URL","cancel":"","payload":PAYLOAD', payload);
    const registered = await server.post(
      `/api/v1/transactions/${gid}/branches`,
      branch.replace(`"gid":"${gid}", `, ''),
    );
    expect(registered.status).toBe(204);
    await server.post(`/api/v1/transactions/${gid}/submit?waitMs=10000`);
    expect(shop.seen.map((seen) => seen.body)).toEqual([payload]);
  });

  it.each(PAYLOADS)('the input of a workflow: %s', async (payload) => {
    const workflow = '"pattern":"workflow","workflow":{"name":"pay","input":PAYLOAD},"queryPrepared":"URL"';
    const body = bodyOf(workflow, payload);
    expect((await server.post('/api/v1/transactions', body)).status).toBe(200);
    await server.post(`/api/v1/transactions/${gid}/retry`);
    await shop.called(1);
    expect(shop.seen[0]?.body).toBe(payload);
  });
});

describe('JSON-RPC', () => {
  it.each(['738529527931269425', '1.10', '1e400', '0', '-0', '"\\u0041"', 'null'])(
    'responds with the id as it was sent, alone and in a batch: %s',
    async (id) => {
      const request = `{"jsonrpc":"2.0", "id": ${id} ,"method":"newGid","params":{"id":7}}`;
      const sent = id === '"\\u0041"' ? '"A"' : id;
      expect((await server.post('/api/json-rpc', request)).text).toContain(`"id":${sent},"result"`);
      const batch = await server.post('/api/json-rpc', `[ {"id":1}, ${request}]`);
      expect(batch.text).toContain(`"id":${sent},"result"`);
      expect(batch.list).toHaveLength(2);
    },
  );
});
