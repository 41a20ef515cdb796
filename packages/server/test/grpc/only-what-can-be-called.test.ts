import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { Participants } from '@holdfast/testing/participants';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

const INVALID_ARGUMENT = 3;
/** Headers that HTTP/1.1 carries and gRPC does not. */
const LATIN = { 'x-name': 'Zoë' };
/** Within the limit of `branch_headers`, and more than the metadata that gRPC's servers accept. */
const LONG = { 'x-token': 'a'.repeat(8_100) };

let server: TestServer;
let dtm: GrpcClient;
let v1: GrpcClient;
let shop: GrpcParticipant;
let web: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  [server, shop, web] = await Promise.all([
    TestServer.start({ retryInterval: 60_000 }),
    GrpcParticipant.start(),
    Participants.start(),
  ]);
  dtm = new GrpcClient(server.running.grpcAddress);
  v1 = new GrpcClient(server.running.grpcAddress, 'holdfast');
});
afterAll(async () => {
  dtm[Symbol.dispose]();
  v1[Symbol.dispose]();
  await Promise.all([server[Symbol.asyncDispose](), shop[Symbol.asyncDispose](), web[Symbol.asyncDispose]()]);
});
beforeEach(() => {
  gid = `carried-${++serial}`;
});

const statusOf = async (id = gid) => (await server.query(id)).transaction?.status;

describe('a message to a topic with a gRPC subscriber', () => {
  beforeAll(async () => {
    await server.request('PUT', '/api/v1/topics/orders/subscribers', { url: `grpc://${shop.url('TransIn')}` });
  });

  it.each([
    ['a gid that gRPC cannot carry', { gid: 'gid-ü' }, 'gid'],
    ['headers that gRPC cannot carry', { branch_headers: LATIN }, 'x-name'],
    ['more headers than gRPC accepts', { branch_headers: LONG }, '8192 bytes'],
  ])('and %s is rejected over REST and JSON-RPC', async (_, fields, named) => {
    const body = { gid, trans_type: 'msg', steps: [{ action: 'topic://orders' }], payloads: ['{}'], ...fields };
    const { status, json } = await server.dtm('submit', body);
    expect([status, json.code, json.field]).toEqual([400, 'invalid', 'steps[0].action']);
    expect(json.message).toContain(named);
    expect(json.message).toContain('topic orders');
    const rpc = (await server.rpc('submit', body)).json;
    expect(rpc.error.message).toContain(named);
    expect(await statusOf(body.gid)).toBeUndefined();
  });

  it('is rejected over /api/v1, dtmgimp.Dtm and holdfast.v1 as well', async () => {
    const steps = [{ action: 'topic://orders', payload: {} }];
    const posted = await server.post('/api/v1/transactions', {
      gid,
      pattern: 'msg',
      steps,
      branchHeaders: LATIN,
    });
    expect([posted.status, posted.text]).toEqual([400, expect.stringContaining('x-name')]);
    const overDtm = await dtm.call('Submit', {
      Gid: gid,
      TransType: 'msg',
      Steps: '[{"action":"topic://orders"}]',
      BinPayloads: [Buffer.from('{}')],
      TransOptions: { BranchHeaders: LATIN },
    });
    expect([overDtm.code, overDtm.message]).toEqual([INVALID_ARGUMENT, expect.stringContaining('x-name')]);
    const request = { gid, pattern: 'msg', steps: [{ action: 'topic://orders' }], branchHeaders: LATIN };
    const overV1 = await v1.call('CreateTransaction', request);
    expect([overV1.code, overV1.message]).toEqual([INVALID_ARGUMENT, expect.stringContaining('x-name')]);
    expect(await statusOf()).toBeUndefined();
  });

  it('that can be carried is delivered', async () => {
    const body = { gid, trans_type: 'msg', steps: [{ action: 'topic://orders' }], payloads: ['{}'], wait_result: true };
    expect((await server.dtm('submit', body)).status).toBe(200);
    expect(shop.seen.at(-1)?.metadata['dtm-gid']).toBe(gid);
  });
});

describe.each(['tcc', 'xa'] as const)('a gRPC branch registered to a %s over HTTP', (pattern) => {
  const branchOf = (url: string) =>
    pattern === 'tcc'
      ? { gid, trans_type: 'tcc', branch_id: '01', confirm: url, cancel: url, data: '{}' }
      : { gid, trans_type: 'xa', branch_id: '01', url };

  it.each([
    ['headers that gRPC cannot carry', LATIN, 'x-name'],
    ['more headers than gRPC accepts', LONG, '8192 bytes'],
  ])('that has %s is rejected, and HTTP branches are not', async (_, branch_headers, named) => {
    expect((await server.dtm('prepare', { gid, trans_type: pattern, branch_headers })).status).toBe(200);
    const url = `grpc://${shop.url('TransIn')}`;
    const { status, json } = await server.dtm('registerBranch', branchOf(url));
    expect([status, json.code, json.field]).toEqual([400, 'invalid', pattern === 'tcc' ? 'cancel' : 'url']);
    expect(json.message).toContain(named);
    if (pattern === 'tcc') {
      const overDtm = await dtm.call('RegisterBranch', {
        Info: undefined,
        Gid: gid,
        TransType: 'tcc',
        BranchID: '02',
        Data: { confirm: url, cancel: url },
      });
      expect([overDtm.code, overDtm.message]).toEqual([INVALID_ARGUMENT, expect.stringContaining(named)]);
      const overV1 = await v1.call('RegisterBranch', { gid, pattern, branchId: '03', confirm: url, cancel: url });
      expect([overV1.code, overV1.message]).toEqual([INVALID_ARGUMENT, expect.stringContaining(named)]);
    }
    expect((await server.dtm('registerBranch', branchOf(web.url('/ok')))).status).toBe(200);
    await server.dtm('abort', { gid, trans_type: pattern });
  });

  it('keeps a later submit from adding headers that its call cannot carry', async () => {
    await server.dtm('prepare', { gid, trans_type: pattern });
    const url = `grpc://${shop.url('TransIn')}`;
    expect((await server.dtm('registerBranch', branchOf(url))).status).toBe(200);
    const { status, json } = await server.dtm('submit', { gid, trans_type: pattern, branch_headers: LATIN });
    expect([status, json.code, json.field]).toEqual([400, 'invalid', 'branch_headers']);
    expect(json.message).toContain('x-name');
    expect(await statusOf()).toBe('prepared');
    const again = { gid, trans_type: pattern, wait_result: true };
    expect((await server.dtm('submit', again)).status).toBe(200);
  });
});

it('the submit of a prepared message cannot add headers that its gRPC steps cannot carry', async () => {
  const action = `grpc://${shop.url('TransIn')}`;
  const body = { gid, trans_type: 'msg', query_prepared: web.url('/ok') };
  await server.dtm('prepare', { ...body, steps: [{ action }], payloads: ['{}'] });
  const { status, json } = await server.dtm('submit', { ...body, branch_headers: LATIN });
  expect([status, json.field]).toEqual([400, 'branch_headers']);
  expect(await statusOf()).toBe('prepared');
  expect((await server.dtm('submit', { ...body, wait_result: true })).status).toBe(200);
});

describe('the metadata of a gRPC branch', () => {
  const submit = (branch_headers: Readonly<Record<string, string>>) =>
    server.dtm('submit', {
      gid,
      trans_type: 'saga',
      steps: [{ action: `grpc://${shop.url('TransOut')}`, compensate: '' }],
      payloads: ['{}'],
      branch_headers,
      wait_result: true,
    });

  it('has the text of a header whose name ends in -bin, as from the clients of gRPC', async () => {
    expect((await submit({ 'x-key-bin': 'not base64: Zoë' })).status).toBe(200);
    const received = shop.seen.at(-1)?.metadata['x-key-bin'];
    expect(Buffer.isBuffer(received) && received.toString()).toBe('not base64: Zoë');
  });

  it('has no header of gRPC itself', async () => {
    expect((await submit({ 'grpc-timeout': '1n', 'grpc-encoding': 'gzip', 'user-agent': 'x' })).status).toBe(200);
    expect(shop.seen.at(-1)?.metadata).not.toHaveProperty('grpc-encoding');
  });

  it('is rejected beyond the 8 KiB that servers accept', async () => {
    const { status, json } = await submit(LONG);
    expect([status, json.code, json.field]).toEqual([400, 'invalid', 'steps[0].action']);
    expect(json.message).toContain('8192 bytes');
  });
});

describe('the payload of a JSON-RPC branch', () => {
  const rpcUrl = (): string => web.url('/ok?method=pay');

  it('must be an object in a submitted transaction', async () => {
    for (const payload of ['[1]', '"text"', '7', 'not json']) {
      const body = { gid, trans_type: 'saga', protocol: 'json-rpc', payloads: [payload] };
      const { status, json } = await server.dtm('submit', { ...body, steps: [{ action: rpcUrl(), compensate: '' }] });
      expect([payload, status, json.field]).toEqual([payload, 400, 'steps[0].action']);
      expect(json.message).toContain('must be a JSON object');
    }
  });

  it('must be an object in a message to a topic', async () => {
    await server.request('PUT', '/api/v1/topics/payments/subscribers', { url: rpcUrl() });
    const body = { gid, trans_type: 'msg', protocol: 'json-rpc', steps: [{ action: 'topic://payments' }] };
    const { status, json } = await server.dtm('submit', { ...body, payloads: ['[1]'] });
    expect([status, json.field]).toEqual([400, 'steps[0].action']);
    expect(json.message).toContain('must be a JSON object');
  });

  it('must be an object in a registered branch', async () => {
    await server.dtm('prepare', { gid, trans_type: 'tcc', protocol: 'json-rpc' });
    const branch = { gid, trans_type: 'tcc', branch_id: '01', confirm: rpcUrl(), cancel: rpcUrl() };
    const { status, json } = await server.dtm('registerBranch', { ...branch, data: '[1]' });
    expect([status, json.field]).toEqual([400, 'cancel']);
    expect((await server.dtm('registerBranch', { ...branch, data: '{"a":1}' })).status).toBe(200);
  });
});
