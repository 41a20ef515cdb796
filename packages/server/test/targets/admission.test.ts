import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

const REASON = 'no rule of branchTargets allows';
const INVALID_ARGUMENT = 3;

let server: TestServer;
let dtm: GrpcClient;
let v1: GrpcClient;
/** Its HTTP port is the only target that a rule allows. */
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  shop = await Participants.start();
  server = await TestServer.start({ branchTargets: [`http://127.0.0.1:${new URL(shop.url('/')).port}`, '*.example'] });
  dtm = new GrpcClient(server.running.grpcAddress);
  v1 = new GrpcClient(server.running.grpcAddress, 'holdfast');
});
afterAll(async () => {
  for (const client of [dtm, v1]) client[Symbol.dispose]();
  await Promise.all([server[Symbol.asyncDispose](), shop[Symbol.asyncDispose]()]);
});
beforeEach(() => {
  gid = `t${++serial}`;
});

const BAD = 'http://127.1:9/x';
const good = () => shop.url('/ok');

/** The requests with a URL, over REST, JSON-RPC and dtm's gRPC, by the field that has it. */
const DTM: readonly (readonly [field: string, call: string, body: () => object])[] = [
  ['steps[0].action', 'submit', () => ({ gid, trans_type: 'saga', steps: [{ action: BAD }], payloads: ['{}'] })],
  [
    'steps[1].compensate',
    'submit',
    () => ({
      gid,
      trans_type: 'saga',
      steps: [{ action: good() }, { action: good(), compensate: BAD }],
      payloads: ['{}', '{}'],
    }),
  ],
  ['steps[0].action', 'prepare', () => ({ gid, trans_type: 'msg', steps: [{ action: BAD }], payloads: ['{}'] })],
  [
    'query_prepared',
    'prepare',
    () => ({ gid, trans_type: 'msg', steps: [{ action: good() }], payloads: ['{}'], query_prepared: BAD }),
  ],
  [
    'query_prepared',
    'prepareWorkflow',
    () => ({ gid, trans_type: 'workflow', customed_data: '{"name":"w","data":""}', query_prepared: BAD }),
  ],
];

describe("over dtm's wire, a target that no rule allows", () => {
  it.each(DTM)('is rejected as %s of %s, and nothing is stored', async (field, call, body) => {
    const rest = await server.dtm(call, body());
    expect([rest.status, rest.json.code, rest.json.field]).toEqual([400, 'invalid', field]);
    expect(rest.text).toContain(REASON);
    expect(rest.text).not.toMatch(/SUCCESS|FAILURE|ONGOING/);
    // JSON-RPC has no workflows.
    if (call !== 'prepareWorkflow')
      expect(JSON.stringify((await server.rpc(call, body())).json.error)).toContain(REASON);
    expect((await server.query(gid)).transaction).toBeNull();
  });

  it.each(['tcc', 'xa'])('is rejected as a registered branch of a %s', async (pattern) => {
    expect((await server.dtm('prepare', { gid, trans_type: pattern })).status).toBe(200);
    for (const urls of pattern === 'tcc'
      ? [
          { confirm: BAD, cancel: good() },
          { confirm: good(), cancel: BAD },
        ]
      : [{ url: BAD }]) {
      const body = { gid, trans_type: pattern, branch_id: '01', data: '{}', ...urls };
      const [rest, rpc] = [await server.dtm('registerBranch', body), await server.rpc('registerBranch', body)];
      expect([rest.status, rest.json.code]).toEqual([400, 'invalid']);
      expect(rest.json.field).toBe(Object.entries(urls).find(([, url]) => url === BAD)?.[0]);
      expect(rest.text).toContain(REASON);
      expect(JSON.stringify(rpc.json.error)).toContain(REASON);
    }
    expect((await server.query(gid)).branches).toEqual([]);
  });

  it('is rejected as the subscriber of a topic', async () => {
    const response = await server.get(`/api/dtmsvr/subscribe?topic=t&url=${encodeURIComponent(BAD)}`);
    expect([response.status, response.json.field]).toEqual([400, 'url']);
    expect(response.text).toContain(REASON);
  });

  it('is rejected over gRPC with the status, the reason and the field', async () => {
    const steps = (...all: object[]) => ({
      Gid: gid,
      TransType: 'saga',
      Steps: JSON.stringify(all),
      BinPayloads: all.map(() => Buffer.from('{}')),
    });
    for (const [method, request, field] of [
      ['Submit', steps({ action: BAD }), 'steps[0].action'],
      ['Submit', steps({ action: '127.1:9/a.B/C', compensate: '' }), 'steps[0].action'],
      [
        'Prepare',
        { ...steps({ action: good() }), TransType: 'msg', QueryPrepared: '127.0.0.1:9/a.B/C' },
        'query_prepared',
      ],
      [
        'PrepareWorkflow',
        { Gid: gid, TransType: 'workflow', CustomedData: '{"name":"w"}', QueryPrepared: BAD },
        'query_prepared',
      ],
      ['Subscribe', { Topic: 't', URL: BAD }, 'url'],
    ] as const) {
      const { code, message, trailers } = await dtm.call(method, request);
      expect([method, code, trailers['holdfast-field']]).toEqual([method, INVALID_ARGUMENT, field]);
      expect(message).toContain(REASON);
    }
    expect((await dtm.call('Prepare', { Gid: gid, TransType: 'tcc' })).code).toBe(0);
    const branch = { Gid: gid, TransType: 'tcc', BranchID: '01', Data: { confirm: good(), cancel: BAD } };
    expect(await dtm.call('RegisterBranch', branch)).toMatchObject({
      code: INVALID_ARGUMENT,
      message: expect.stringContaining(REASON),
    });
  });
});

describe('over /api/v1, a target that no rule allows', () => {
  it.each([
    ['steps[0].action', () => ({ pattern: 'saga', steps: [{ action: BAD }] })],
    ['steps[0].compensate', () => ({ pattern: 'saga', steps: [{ action: good(), compensate: BAD }] })],
    ['queryPrepared', () => ({ pattern: 'msg', status: 'prepared', steps: [{ action: good() }], queryPrepared: BAD })],
    ['queryPrepared', () => ({ pattern: 'workflow', workflow: { name: 'w' }, queryPrepared: BAD })],
  ])('is rejected as %s', async (field, body) => {
    const http = await server.post('/api/v1/transactions', { gid, ...body() });
    expect([http.status, http.json.code, http.json.field]).toEqual([400, 'invalid', field]);
    expect(http.text).toContain(REASON);
    const grpc = await v1.call('CreateTransaction', { gid, ...body() });
    expect(grpc).toMatchObject({ code: INVALID_ARGUMENT, message: expect.stringContaining(REASON) });
    expect((await server.get(`/api/v1/transactions/${gid}`)).status).toBe(404);
  });

  it('is rejected as a registered branch and as a subscriber', async () => {
    await server.post('/api/v1/transactions', { gid, pattern: 'tcc' });
    const branch = { pattern: 'tcc', branchId: '01', confirm: good(), cancel: BAD };
    const http = await server.post(`/api/v1/transactions/${gid}/branches`, branch);
    expect([http.status, http.json.field]).toEqual([400, 'cancel']);
    expect(http.text).toContain(REASON);
    expect((await v1.call('RegisterBranch', { gid, ...branch })).code).toBe(INVALID_ARGUMENT);
    const subscribed = await server.request('PUT', '/api/v1/topics/t/subscribers', { url: BAD });
    expect([subscribed.status, subscribed.json.field]).toEqual([400, 'url']);
    expect(subscribed.text).toContain(REASON);
  });
});

describe('a target that a rule allows', () => {
  it('is called', async () => {
    const created = await server.post('/api/v1/transactions?waitMs=20000', {
      gid,
      pattern: 'saga',
      steps: [{ action: good() }],
    });
    expect(created.json.status).toBe('succeed');
  });

  it('may be a name, whose address is checked at the call', async () => {
    const steps = [{ action: 'https://pay.shop.example/x' }, { action: 'https://pay.shop.test/x' }];
    const { json, text } = await server.post('/api/v1/transactions', { gid, pattern: 'saga', steps });
    expect(json.field).toBe('steps[1].action');
    expect(text).toContain('no rule of branchTargets allows https://pay.shop.test:443');
  });
});
