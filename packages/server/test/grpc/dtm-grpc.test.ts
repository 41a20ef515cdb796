import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { Participants } from '@holdfast/testing/participants';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

const ABORTED = 10;
const FAILED_PRECONDITION = 9;

let server: TestServer;
let client: GrpcClient;
let shop: GrpcParticipant;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  client = new GrpcClient(server.running.grpcAddress);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  shop = await GrpcParticipant.start();
  gid = `g${++serial}`;
  return () => shop[Symbol.asyncDispose]();
});

const becomes = (wanted: string) =>
  vi.waitUntil(async () => (await server.query(gid)).transaction?.status === wanted, { timeout: 10_000, interval: 5 });
const calls = () =>
  shop.seen.map(({ path, metadata }) => [metadata['dtm-branch_id'], metadata['dtm-op'], path].join(' '));
const saga = (fields = {}) => ({
  Gid: gid,
  TransType: 'saga',
  Steps: JSON.stringify([
    { action: shop.url('TransOut'), compensate: shop.url('TransOutRevert') },
    { action: shop.url('TransIn'), compensate: shop.url('TransInRevert') },
  ]),
  BinPayloads: [Buffer.from([1, 0, 255]), Buffer.from('second')],
  ...fields,
});

describe('NewGid', () => {
  it('returns another gid at each call', async () => {
    const gids = await Promise.all([client.call('NewGid'), client.call('NewGid')]);
    expect(new Set(gids.map(({ value }) => value['Gid'])).size).toBe(2);
  });
});

describe('a saga over gRPC', () => {
  it('calls its branches in order, with the bytes of their payloads', async () => {
    expect((await client.call('Submit', saga({ TransOptions: { WaitResult: true } }))).code).toBe(0);
    expect(calls()).toEqual(['01 action /busi.Busi/TransOut', '02 action /busi.Busi/TransIn']);
    expect(shop.seen.map(({ message }) => [...message])).toEqual([[1, 0, 255], [...Buffer.from('second')]]);
    expect(shop.seen[0]?.metadata['dtm-gid']).toBe(gid);
  });

  it('that a branch rejects is compensated, and the waiting caller gets Aborted with the reason', async () => {
    shop.behave = ({ path }) =>
      path.endsWith('/TransIn') ? { code: ABORTED, message: 'no such account' } : { code: 0 };
    const { code, message, trailers } = await client.call('Submit', saga({ TransOptions: { WaitResult: true } }));
    expect(code).toBe(ABORTED);
    expect(message).toContain('no such account');
    expect(trailers['holdfast-status']).toBe('failed');
    expect(calls().slice(2)).toEqual([
      '02 compensate /busi.Busi/TransInRevert',
      '01 compensate /busi.Busi/TransOutRevert',
    ]);
  });

  it('sends BranchHeaders as metadata, and keeps RequestTimeout', async () => {
    const options = { BranchHeaders: { 'x-tenant': 'acme' }, RequestTimeout: 7, WaitResult: true };
    await client.call('Submit', saga({ TransOptions: options }));
    expect(shop.seen[0]?.metadata['x-tenant']).toBe('acme');
    expect(shop.seen[0]?.timeoutMs).toBeGreaterThan(4_000);
  });

  it('runs its steps concurrently if CustomedData specifies it', async () => {
    let release = (): void => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    shop.behave = () => {
      if (shop.seen.length === 2) release();
      return { code: 0 };
    };
    await client.call('Submit', saga({ CustomedData: '{"concurrent":true}' }));
    await both;
    await becomes('succeed');
    expect(shop.seen).toHaveLength(2);
  });

  it('mixes branches over gRPC and HTTP', async () => {
    const bank = await Participants.start();
    const Steps = JSON.stringify([{ action: bank.url('/debit') }, { action: shop.url('TransIn') }]);
    const { code } = await client.call('Submit', saga({ Steps, TransOptions: { WaitResult: true } }));
    expect([code, bank.calls, calls()]).toEqual([0, ['01 action /debit'], ['02 action /busi.Busi/TransIn']]);
    await bank[Symbol.asyncDispose]();
  });

  it('that is repeated is one transaction; one with other content is rejected', async () => {
    await client.call('Submit', saga());
    await becomes('succeed');
    const { code, trailers } = await client.call('Submit', saga({ BinPayloads: [Buffer.from('x'), Buffer.from('y')] }));
    expect([code, trailers['holdfast-code']]).toEqual([ABORTED, 'exists']);
    expect(shop.seen).toHaveLength(2);
  });
});

describe('a tcc over gRPC', () => {
  const begin = async () => {
    await client.call('Prepare', { Gid: gid, TransType: 'tcc' });
    for (const BranchID of ['01', '02'])
      await client.call('RegisterBranch', {
        Gid: gid,
        TransType: 'tcc',
        BranchID,
        BusiPayload: Buffer.from([0, 254]),
        Data: { confirm: shop.url('TransIn'), cancel: shop.url('TransInRevert') },
      });
  };

  it('is confirmed by Submit, and its branches get their bytes', async () => {
    await begin();
    expect((await client.call('Submit', { Gid: gid, TransType: 'tcc' })).code).toBe(0);
    await becomes('succeed');
    expect(calls()).toEqual(['02 confirm /busi.Busi/TransIn', '01 confirm /busi.Busi/TransIn']);
    expect([...(shop.seen[0]?.message ?? [])]).toEqual([0, 254]);
  });

  it('is cancelled by Abort, after which Submit is Aborted', async () => {
    await begin();
    expect((await client.call('Abort', { Gid: gid, TransType: 'tcc', RollbackReason: 'changed my mind' })).code).toBe(
      0,
    );
    await becomes('failed');
    expect(calls()).toEqual(['02 cancel /busi.Busi/TransInRevert', '01 cancel /busi.Busi/TransInRevert']);
    expect((await server.query(gid)).transaction.rollback_reason).toBe('changed my mind');
    expect((await client.call('Submit', { Gid: gid, TransType: 'tcc' })).code).toBe(ABORTED);
  });

  it('that waits while a branch is still running is FailedPrecondition', async () => {
    await begin();
    shop.behave = () => ({ code: FAILED_PRECONDITION, message: 'packing' });
    const request = { Gid: gid, TransType: 'tcc', TransOptions: { WaitResult: true } };
    const { code, message } = await client.call('Submit', request);
    expect([code, message]).toEqual([FAILED_PRECONDITION, 'packing']);
  });

  it('cannot be given a branch if it does not exist: the client must not continue', async () => {
    const { code, trailers } = await client.call('RegisterBranch', { Gid: gid, TransType: 'tcc', BranchID: '01' });
    expect([code, trailers['holdfast-code']]).toEqual([ABORTED, 'not_found']);
  });
});

describe('an xa over gRPC', () => {
  it('commits its branches at their URL, oldest first', async () => {
    await client.call('Prepare', { Gid: gid, TransType: 'xa' });
    for (const BranchID of ['01', '02'])
      await client.call('RegisterBranch', { Gid: gid, TransType: 'xa', BranchID, Data: { url: shop.url('TransIn') } });
    expect((await client.call('Submit', { Gid: gid, TransType: 'xa' })).code).toBe(0);
    await becomes('succeed');
    expect(calls()).toEqual(['01 commit /busi.Busi/TransIn', '02 commit /busi.Busi/TransIn']);
  });
});

describe('a message over gRPC', () => {
  const message = (fields = {}) => ({
    Gid: gid,
    TransType: 'msg',
    Steps: JSON.stringify([{ action: shop.url('TransIn') }]),
    BinPayloads: [Buffer.from('m')],
    QueryPrepared: shop.url('QueryPrepared'),
    ...fields,
  });

  it('is checked back over gRPC when its submit does not come', async () => {
    expect((await client.call('Prepare', message({ TransOptions: { TimeoutToFail: 1 } }))).code).toBe(0);
    await becomes('succeed');
    expect(calls()).toEqual(['00 msg /busi.Busi/QueryPrepared', '01 action /busi.Busi/TransIn']);
  });

  it('is delivered to the subscribers of a topic', async () => {
    const Topic = `orders-${serial}`;
    const subscriber = { Topic, URL: shop.url('TransIn'), Remark: 'warehouse' };
    expect((await client.call('Subscribe', subscriber)).code).toBe(0);
    expect((await client.call('Subscribe', subscriber)).code).not.toBe(0);
    await client.call('Submit', message({ Steps: JSON.stringify([{ action: `topic://${Topic}` }]) }));
    await becomes('succeed');
    expect(calls()).toEqual(['01 action /busi.Busi/TransIn']);
    expect((await client.call('Unsubscribe', { Topic, URL: subscriber.URL })).code).toBe(0);
    expect((await client.call('DeleteTopic', { Topic })).code).toBe(0);
    expect((await client.call('DeleteTopic', { Topic })).message).toContain(Topic);
  });
});

describe('a workflow over gRPC', () => {
  const workflow = (fields = {}) => ({
    Gid: gid,
    TransType: 'workflow',
    QueryPrepared: `${shop.address}/workflow.Workflow/Execute`,
    CustomedData: JSON.stringify({ name: 'order', data: Buffer.from([7, 255]).toString('base64') }),
    ...fields,
  });

  it('records steps with their bytes, and returns them and the result when it is prepared again', async () => {
    await client.call('PrepareWorkflow', workflow());
    const step = { Gid: gid, TransType: 'workflow', BranchID: '01', BusiPayload: Buffer.from([9, 254]) };
    expect((await client.call('RegisterBranch', { ...step, Data: { op: 'action', status: 'succeed' } })).code).toBe(0);
    const { value: before } = await client.call('PrepareWorkflow', workflow());
    expect(before['Progresses']).toEqual([
      { BranchID: '01', Op: 'action', Status: 'succeed', BinData: Buffer.from([9, 254]) },
    ]);
    const result = Buffer.from('done').toString('base64');
    await client.call('Submit', { Gid: gid, TransType: 'workflow', ReqExtra: { status: 'succeed', result } });
    const { value: after } = await client.call('PrepareWorkflow', workflow());
    expect(after['Transaction']).toEqual({ Gid: gid, Status: 'succeed', RollbackReason: '', Result: result });
  });

  it('that its process does not finish is continued over workflow.Workflow/Execute', async () => {
    shop.behave = () => {
      void client.call('Submit', { Gid: gid, TransType: 'workflow', ReqExtra: { status: 'succeed' } });
      return { code: 0 };
    };
    await client.call('PrepareWorkflow', workflow({ TransOptions: { RetryInterval: 1, TimeoutToFail: 1 } }));
    await becomes('succeed');
    expect(calls()[0]).toBe('00 order /workflow.Workflow/Execute');
    // Field 1 of WorkflowData.
    expect([...(shop.seen[0]?.message ?? [])]).toEqual([0x0a, 2, 7, 255]);
  });
});

describe('an error over gRPC', () => {
  it.each([
    ['Submit', () => saga({ Gid: '' }), 3, 'gid'],
    ['Submit', () => saga({ TransType: 'sagas' }), 3, 'trans_type'],
    ['Submit', () => saga({ Steps: '[' }), 3, 'steps'],
    ['Submit', () => saga({ Steps: '{}' }), 3, 'steps'],
    ['Submit', () => saga({ Steps: '[{"action":"nonsense"}]' }), 3, 'steps[0].action'],
    ['Submit', () => saga({ BinPayloads: [] }), 3, 'payloads'],
    ['Submit', () => saga({ CustomedData: '{"orders":{"1":[5]},"concurrent":true}' }), 3, 'custom_data.orders'],
    ['Submit', () => saga({ TransOptions: { RetryLimit: -1 } }), 3, 'retry_limit'],
    ['Submit', () => saga({ TransOptions: { BranchHeaders: { 'x y': '1' } } }), 3, 'branch_headers'],
    ['Submit', () => ({ ...saga(), BinPayloads: [Buffer.alloc(1024 * 1024 + 1), Buffer.alloc(0)] }), 8, 'payloads[0]'],
    ['RegisterBranch', () => ({ Gid: gid, TransType: 'saga', BranchID: '01' }), 3, 'trans_type'],
    ['Subscribe', () => ({ Topic: '', URL: 'http://a/' }), 3, 'topic'],
  ] as const)('of %s with wrong input has a code, and names the field', async (method, request, code, field) => {
    const response = await client.call(method, request());
    expect([response.code, String(response.trailers['holdfast-field'])]).toEqual([
      code,
      expect.stringContaining(field) as unknown,
    ]);
    expect(response.message).not.toBe('');
  });

  it('has its whole message and its details, also when they end with a space', async () => {
    const { message, trailers } = await client.call('Abort', { Gid: `${gid} `, TransType: 'tcc' });
    expect(message).toMatch(/ $/);
    expect(decodeURIComponent(String(trailers['holdfast-gid']))).toBe(`${gid} `);
  });

  it('of a deadline is DeadlineExceeded, while the transaction continues', async () => {
    shop.behave = () => 'hang';
    const { code } = await client.call('Submit', saga({ TransOptions: { WaitResult: true } }), { timeoutMs: 400 });
    expect(code).toBe(4);
    expect((await server.query(gid)).transaction.status).toBe('submitted');
  });
});

describe('the metrics', () => {
  it('count the calls over gRPC by method and code', async () => {
    await client.call('NewGid');
    await client.call('Submit', saga({ TransType: 'x' }));
    const { text } = await server.get('/api/metrics');
    expect(text).toMatch(/holdfast_grpc_requests_total\{method="\/dtmgimp\.Dtm\/NewGid",code="0"\} \d+/);
    expect(text).toMatch(/holdfast_grpc_requests_total\{method="\/dtmgimp\.Dtm\/Submit",code="3"\} \d+/);
  });
});
