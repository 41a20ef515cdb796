import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

let server: TestServer;
let client: GrpcClient;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  [server, shop] = await Promise.all([TestServer.start({ maxBodyBytes: 2_000_000 }), Participants.start()]);
  client = new GrpcClient(server.running.grpcAddress, 'holdfast');
});
afterAll(async () => {
  client[Symbol.dispose]();
  await Promise.all([server[Symbol.asyncDispose](), shop[Symbol.asyncDispose]()]);
});
beforeEach(() => {
  gid = `v${++serial}`;
});

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const saga = (fields: object = {}) => ({
  gid,
  pattern: 'saga',
  steps: [{ action: shop.url('/out'), compensate: shop.url('/outRevert'), payload: json({ amount: 30 }) }],
  ...fields,
});

describe('a transaction over holdfast.v1', () => {
  it('is created and awaited in one call, and its branch receives the text of its payload', async () => {
    const text = '{"amount": 12345678901234567890.10 , "note":"ü"}';
    const step = { action: shop.url(`/out/${gid}`), payload: Buffer.from(text) };
    const { code, value } = await client.call('CreateTransaction', saga({ steps: [step], waitMs: 10_000 }));
    expect([code, value['status'], value['gid']]).toEqual([0, 'succeed', gid]);
    const call = shop.seen.find(({ url }) => url.pathname === `/out/${gid}`);
    expect(call?.body).toBe(text);
  });

  it('is the same one that HTTP shows, with exact times', async () => {
    await client.call('CreateTransaction', saga({ waitMs: 10_000 }));
    const { value } = await client.call('GetTransaction', { gid });
    const shown = (await server.get(`/api/v1/transactions/${gid}`)).json as unknown as Record<string, unknown>;
    for (const field of ['status', 'createdAtMs', 'finishedAtMs', 'version'])
      expect([field, value[field]]).toEqual([field, shown[field]]);
    const listed = await client.call('ListTransactions', { gid });
    expect(listed.value['items']).toMatchObject([{ gid, status: 'succeed', createdAtMs: shown['createdAtMs'] }]);
  });

  it('that is a tcc distinguishes an empty list of branches from an absent one', async () => {
    const branch = { gid, pattern: 'tcc', branchId: '01', confirm: shop.url('/ok'), cancel: shop.url('/undo') };
    await client.call('CreateTransaction', { gid, pattern: 'tcc' });
    expect((await client.call('RegisterBranch', branch)).code).toBe(0);
    // The submitting run called no branch, and another one is registered.
    const emptied = await client.call('SubmitTransaction', { gid, branches: { items: [] }, waitMs: 10_000 });
    expect(emptied.value['status']).toBe('failed');

    gid = `${gid}-all`;
    await client.call('CreateTransaction', { gid, pattern: 'tcc' });
    await client.call('RegisterBranch', { ...branch, gid });
    const all = await client.call('SubmitTransaction', { gid, waitMs: 10_000 });
    expect(all.value['status']).toBe('succeed');
  });

  it('that is a workflow returns the bytes of its steps', async () => {
    const workflow = { name: 'pay', input: json([1]) };
    await client.call('CreateTransaction', { gid, pattern: 'workflow', workflow, queryPrepared: shop.url('/flow') });
    const data = Buffer.from([0, 255, 7]);
    const step = { gid, pattern: 'workflow', branchId: '01', op: 'action', status: 'succeed', data };
    expect((await client.call('RegisterBranch', step)).code).toBe(0);
    expect((await client.call('GetWorkflowProgress', { gid })).value['steps']).toEqual([
      { branchId: '01', op: 'action', status: 'succeed', data },
    ]);
    const { value } = await client.call('FinishWorkflow', { gid, status: 'succeed', result: 'AP8=' });
    expect(value['status']).toBe('succeed');
  });

  it('counts in the metrics of the operation, and of the method', async () => {
    await client.call('ListNodes');
    const { text } = await server.get('/api/metrics');
    expect(text).toContain('holdfast_operations_total{operation="listNodes",result="ok"} 1');
    expect(text).toMatch(/holdfast_grpc_requests_total\{method="\/holdfast.v1.Holdfast\/ListNodes",code="\w+"\} 1/);
  });
});

describe('a request to holdfast.v1 that is wrong', () => {
  const overHttp = async (body: object) => {
    const { json: problem } = await server.request('POST', '/api/v1/transactions', body);
    return { code: problem.code, fault: (problem as unknown as { readonly fault: string }).fault };
  };
  const steps = [{ action: 'http://a/' }];

  it.each([
    ['steps', { pattern: 'saga', steps: [] }],
    ['steps', { pattern: 'saga', steps: Array.from({ length: 1_001 }, () => ({ action: 'http://a/' })) }],
    ['steps[1].action', { pattern: 'saga', steps: [...steps, { action: '' }] }],
    ['steps[0].request_timeout_ms', { pattern: 'saga', steps: [{ action: 'http://a/', requestTimeoutMs: -1 }] }],
    ['timeout_to_fail_ms', { pattern: 'saga', steps, timeoutToFailMs: 4_000_000_000_000 }],
    ['pattern', { pattern: 'none' }],
    ['delay_ms', { pattern: 'saga', steps, delayMs: 5 }],
    ['status', { pattern: 'tcc', status: 'submitted' }],
    ['query_prepared', { pattern: 'saga', steps, queryPrepared: 'http://a/' }],
    ['workflow.name', { pattern: 'workflow', workflow: { name: '' }, queryPrepared: 'http://a/' }],
  ])('is rejected as over HTTP, with the name of the field %s', async (field, body) => {
    const { code, fault } = await overHttp(body);
    const response = await client.call('CreateTransaction', body);
    expect(response.trailers).toMatchObject({ 'holdfast-code': code, 'holdfast-field': field });
    expect(response.message).toBe(`${field}: ${fault}`);
  });

  it.each([
    ['{', 'steps[0].payload: must be a JSON text'],
    ['', 'steps[0].payload: must be a JSON text'],
    [Buffer.from([0x22, 0xff, 0x22]), 'steps[0].payload: is not UTF-8'],
    ['['.repeat(501) + ']'.repeat(501), 'steps[0].payload: must have at most 500 levels of nesting'],
    [JSON.stringify('x'.repeat(1_100_000)), 'steps[0].payload: '],
  ])('names a payload that is not accepted: %.10s', async (payload, message) => {
    const response = await client.call(
      'CreateTransaction',
      saga({ steps: [{ action: 'http://a/', payload: Buffer.from(payload) }] }),
    );
    expect(response.message).toContain(message);
    expect((await client.call('GetTransaction', { gid })).trailers['holdfast-code']).toBe('not_found');
  });

  it('names the gid, the status and a time to wait that is not one', async () => {
    expect(await client.call('GetTransaction', {})).toMatchObject({
      code: 3,
      message: 'gid: is missing; it must be a string',
    });
    expect((await client.call('GetTransaction', { gid, waitMs: -1 })).message).toBe(
      'wait_ms: must be a whole number, not "-1"',
    );
    await client.call('CreateTransaction', saga({ waitMs: 10_000 }));
    const { code, trailers } = await client.call('StopTransaction', { gid, reason: 'late' });
    expect([code, trailers['holdfast-code'], trailers['holdfast-gid'], trailers['holdfast-status']]).toEqual([
      9,
      'refused',
      gid,
      'succeed',
    ]);
  });

  it('with a deadline that has passed reports that nothing was started', async () => {
    const late = await client.call('CreateTransaction', saga(), { metadata: { 'grpc-timeout': '0m' } });
    expect(late).toMatchObject({ code: 4, trailers: { 'holdfast-outcome': 'not_started' } });
  });
});
