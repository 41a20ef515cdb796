import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  shop = await Participants.start();
  gid = `g${++serial}`;
  return () => shop[Symbol.asyncDispose]();
});

const status = async (): Promise<string> => (await server.query(gid)).transaction?.status;
const becomes = (wanted: string) =>
  vi.waitUntil(async () => (await status()) === wanted, { timeout: 10_000, interval: 2 });

const saga = (fields = {}) => ({
  gid,
  trans_type: 'saga',
  steps: ['/debit', '/credit'].map((path) => ({ action: shop.url(path), compensate: shop.url(path) })),
  payloads: ['{"amount":30}', '{"amount":30}'],
  ...fields,
});

/** dtm's clients read the interval of every transaction, also of one that waits for its client. */
describe('next_cron_interval of a query', () => {
  const intervalOf = async (fields: object): Promise<unknown> => {
    await server.dtm('prepare', { gid, trans_type: 'tcc', ...fields });
    return (await server.query(gid)).transaction.next_cron_interval;
  };

  it.each([
    ["the server's interval", {}, 10],
    ["the transaction's interval", { retry_interval: 25 }, 25],
    ['a shorter timeout', { timeout_to_fail: 4 }, 4],
    ["the server's interval, not a longer timeout", { timeout_to_fail: 40 }, 10],
  ])('is %s before the first attempt', async (_, fields, seconds) => {
    expect(await intervalOf(fields)).toBe(seconds);
  });

  it('is that of the transaction, not the delay, while a message is delayed', async () => {
    await server.dtm('submit', {
      gid,
      trans_type: 'msg',
      steps: [{ action: shop.url('/credit') }],
      payloads: ['{}'],
      custom_data: '{"delay":3600}',
      retry_interval: 15,
    });
    expect((await server.query(gid)).transaction.next_cron_interval).toBe(15);
  });
});

describe('a saga over REST', () => {
  it('has its response once it is durable, and its actions run in order with their payloads', async () => {
    const response = await server.dtm('submit', saga());
    expect(response.status).toBe(200);
    expect(response.text).toBe('{"dtm_result":"SUCCESS"}');
    expect(response.headers.get('content-type')).toBe('application/json');
    await becomes('succeed');
    expect(shop.calls).toEqual(['01 action /debit', '02 action /credit']);
    expect(shop.seen.map(({ body }) => body)).toEqual(['{"amount":30}', '{"amount":30}']);
  });

  it('with wait_result responds with SUCCESS when it succeeded', async () => {
    const response = await server.dtm('submit', saga({ wait_result: true }));
    expect([response.status, response.json]).toEqual([200, { dtm_result: 'SUCCESS' }]);
    expect(await status()).toBe('succeed');
  });

  it('with wait_result responds with FAILURE and the reason when it failed', async () => {
    shop.respond('/credit action', always(409, '{"message":"sold out"}'));
    const response = await server.dtm('submit', saga({ wait_result: true }));
    expect(response.status).toBe(409);
    expect(response.json).toMatchObject({ dtm_result: 'FAILURE', status: 'failed' });
    expect(response.json.message).toContain('sold out');
    expect(shop.calls).toEqual([
      '01 action /debit',
      '02 action /credit',
      '02 compensate /credit',
      '01 compensate /debit',
    ]);
  });

  it.each([
    ['ONGOING', always(425)],
    ['an unknown error', always(500)],
  ])('with wait_result responds that it continues when an action responds with %s', async (_, responses) => {
    shop.respond('/credit action', responses);
    const response = await server.dtm('submit', saga({ wait_result: true }));
    expect([response.status, response.json]).toEqual([
      409,
      { dtm_result: 'FAILURE', message: 'wait result not return success', status: 'submitted' },
    ]);
    expect(await status()).toBe('submitted');
  });

  it('that was submitted already is driven again, and one that has succeeded is a success', async () => {
    shop.respond('/credit', always(500));
    await server.dtm('submit', saga({ wait_result: true }));
    shop.respond('/credit', always(200));
    expect((await server.dtm('submit', saga({ wait_result: true }))).status).toBe(200);
    expect(shop.calls).toEqual(['01 action /debit', '02 action /credit', '02 action /credit']);
    const again = await server.dtm('submit', saga());
    expect([again.status, again.json.dtm_result]).toEqual([200, 'SUCCESS']);
    expect(shop.calls).toHaveLength(3);
  });

  it('runs concurrently the steps whose dependencies allow it', async () => {
    const custom_data = JSON.stringify({ concurrent: true, orders: { 0: [1] } });
    await server.dtm('submit', saga({ wait_result: true, concurrent: true, custom_data }));
    expect(shop.calls).toEqual(['02 action /credit', '01 action /debit']);
  });

  it('accepts the payloads that old clients put into the steps', async () => {
    const steps = saga().steps.map((step, index) => ({ ...step, data: `{"step":${index}}` }));
    await server.dtm('submit', saga({ wait_result: true, steps, payloads: null }));
    expect(shop.seen.map(({ body }) => body)).toEqual(['{"step":0}', '{"step":1}']);
  });

  it('passes its branch headers on', async () => {
    await server.dtm('submit', saga({ wait_result: true, branch_headers: { 'x-tenant': 'acme', 'x-none': null } }));
    expect(shop.seen[0]?.headers).toMatchObject({ 'x-tenant': 'acme', 'x-none': '' });
  });
});

describe('a message over REST', () => {
  const message = (fields = {}) => ({
    gid,
    trans_type: 'msg',
    steps: [{ action: shop.url('/credit') }],
    payloads: ['{"amount":30}'],
    query_prepared: shop.url('/check'),
    ...fields,
  });

  it('is prepared, then submitted, then delivered', async () => {
    expect((await server.dtm('prepare', message())).json).toEqual({ dtm_result: 'SUCCESS' });
    expect((await server.dtm('prepare', message())).status).toBe(200);
    expect(await status()).toBe('prepared');
    expect(shop.calls).toEqual([]);
    const response = await server.dtm('submit', message({ wait_result: true }));
    expect(response.status).toBe(200);
    expect(shop.calls).toEqual(['01 action /credit']);
    const late = await server.dtm('prepare', message());
    expect([late.status, late.json.dtm_result]).toEqual([409, 'FAILURE']);
    expect(late.json.message).toContain("current status 'succeed', cannot prepare");
  });

  it('is aborted only while it is prepared', async () => {
    await server.dtm('prepare', message());
    expect((await server.dtm('abort', { gid, trans_type: 'msg' })).json).toEqual({ dtm_result: 'SUCCESS' });
    expect(await status()).toBe('failed');
    expect((await server.dtm('submit', message())).status).toBe(409);
  });

  it('with wait_result responds with 500 and the error when a step failed in an unknown way', async () => {
    shop.respond('/credit', always(500, '{"note":"a FAILURE of the disk"}'));
    const response = await server.dtm('submit', message({ wait_result: true }));
    expect(response.status).toBe(500);
    expect(response.json.message).toContain('HTTP 500');
    expect(response.text).not.toMatch(/FAILURE|ONGOING/);
  });

  it('with wait_result responds with FAILURE and its status while a step is ongoing', async () => {
    shop.respond('/credit', always(425));
    const response = await server.dtm('submit', message({ wait_result: true }));
    expect([response.status, response.json]).toEqual([
      409,
      { dtm_result: 'FAILURE', message: 'wait result not return success', status: 'submitted' },
    ]);
  });

  it('starts its steps only after the delay of the submit', async () => {
    await server.dtm('prepare', message());
    const response = await server.dtm('submit', message({ custom_data: '{"delay":3600}' }));
    expect(response.status).toBe(200);
    expect(shop.calls).toEqual([]);
    const { transaction } = await server.query(gid);
    expect(Date.parse(transaction.next_cron_time ?? '') - Date.now()).toBeGreaterThan(3_500_000);
  });
});

describe.each([
  ['tcc', ['02 confirm /b', '01 confirm /a'], ['02 cancel /b', '01 cancel /a']],
  ['xa', ['01 commit /a', '02 commit /b'], ['01 rollback /a', '02 rollback /b']],
] as const)('a %s over REST', (trans_type, commits, rollbacks) => {
  const begin = async (): Promise<void> => {
    await server.dtm('prepare', { gid, trans_type });
    for (const [branch_id, path] of [
      ['01', '/a'],
      ['02', '/b'],
    ] as const) {
      const url = shop.url(path);
      const urls = trans_type === 'tcc' ? { confirm: url, cancel: url } : { url };
      const response = await server.dtm('registerBranch', { gid, trans_type, branch_id, data: '{}', ...urls });
      expect(response.json).toEqual({ dtm_result: 'SUCCESS' });
    }
  };

  it('commits its branches on submit', async () => {
    await begin();
    const response = await server.dtm('submit', { gid, trans_type, wait_result: true });
    expect([response.status, response.json]).toEqual([200, { dtm_result: 'SUCCESS' }]);
    expect(shop.calls).toEqual(commits);
  });

  it('rolls its branches back on abort, which may be repeated', async () => {
    await begin();
    expect((await server.dtm('abort', { gid, trans_type, rollback_reason: 'changed my mind' })).status).toBe(200);
    await becomes('failed');
    expect(shop.calls).toEqual(rollbacks);
    expect((await server.query(gid)).transaction.rollback_reason).toBe('changed my mind');
  });

  it('with wait_result has rolled its branches back when abort responds', async () => {
    await begin();
    expect((await server.dtm('abort', { gid, trans_type, wait_result: true })).json).toEqual({ dtm_result: 'SUCCESS' });
    expect(await status()).toBe('failed');
    expect(shop.calls).toEqual(rollbacks);
  });

  it.each([
    ['ONGOING', 425, 'ONGOING'],
    ['an unknown error', 500, undefined],
    ['FAILURE, which is retried', 409, undefined],
  ])(
    'with wait_result never responds with FAILURE while a branch responds with %s',
    async (_, branchStatus, dtm_result) => {
      await begin();
      shop.respond('/a', always(branchStatus));
      const response = await server.dtm('submit', { gid, trans_type, wait_result: true });
      expect(response.status).toBe(dtm_result === 'ONGOING' ? 425 : 500);
      expect(response.json).toMatchObject({ status: 'submitted', ...(dtm_result !== undefined && { dtm_result }) });
      expect(response.text).not.toContain('FAILURE');
    },
  );

  it('accepts a repeated branch, and none after the decision', async () => {
    await begin();
    const url = shop.url('/a');
    const branch = { gid, trans_type, branch_id: '01', data: '{}', confirm: url, cancel: url, url, status: null };
    expect((await server.dtm('registerBranch', branch)).status).toBe(200);
    expect((await server.query(gid)).branches).toHaveLength(4);
    await server.dtm('submit', { gid, trans_type, wait_result: true });
    const late = await server.dtm('registerBranch', { ...branch, branch_id: '03' });
    expect([late.status, late.json.dtm_result]).toEqual([409, 'FAILURE']);
  });

  it('accepts the old names of branches, and rejects an abort with another pattern', async () => {
    await server.dtm('prepare', { gid, trans_type });
    const name = trans_type === 'tcc' ? 'registerTccBranch' : 'registerXaBranch';
    expect((await server.dtm(name, { gid, branch_id: '01', url: shop.url('/a') })).status).toBe(200);
    const { branches } = await server.query(gid);
    expect(branches.map(({ op }: { op: string }) => op)).toEqual(
      trans_type === 'tcc' ? ['cancel', 'confirm'] : ['rollback', 'commit'],
    );
    const other = trans_type === 'tcc' ? 'xa' : 'tcc';
    expect((await server.dtm('abort', { gid, trans_type: other })).status).toBe(409);
  });
});

describe('a workflow over REST', () => {
  const workflow = () => ({
    gid,
    trans_type: 'workflow',
    protocol: 'http',
    query_prepared: shop.url('/resume'),
    custom_data: JSON.stringify({ name: 'transfer', data: Buffer.from('input').toString('base64') }),
  });
  const end = (extra: object) => server.dtm('submit', { gid, trans_type: 'workflow', req_extra: extra });

  it('is prepared or found, records its steps, and has the end that its code reports', async () => {
    const begun = await server.dtm('prepareWorkflow', workflow());
    expect([begun.status, begun.json]).toMatchObject([
      200,
      { transaction: { gid, status: 'prepared' }, progresses: [] },
    ]);
    const step = { gid, trans_type: 'workflow', branch_id: '01', op: 'action', status: 'succeed', data: 'paid' };
    expect((await server.dtm('registerBranch', step)).status).toBe(200);
    expect((await server.dtm('registerBranch', step)).status).toBe(200);
    expect((await server.dtm('registerBranch', { ...step, status: 'failed' })).status).toBe(409);
    const found = await server.dtm('prepareWorkflow', workflow());
    expect(found.json.progresses).toEqual([
      { branch_id: '01', op: 'action', status: 'succeed', bin_data: Buffer.from('paid').toString('base64') },
    ]);
    expect((await end({ status: 'succeed', result: 'b2s=', rollback_reason: '' })).json).toEqual({
      dtm_result: 'SUCCESS',
    });
    expect((await server.dtm('prepareWorkflow', workflow())).json.transaction).toMatchObject({
      status: 'succeed',
      result: 'b2s=',
    });
  });

  it('that failed has its reason', async () => {
    await server.dtm('prepareWorkflow', workflow());
    await end({ status: 'failed', rollback_reason: 'no money' });
    expect((await server.query(gid)).transaction).toMatchObject({ status: 'failed', rollback_reason: 'no money' });
    expect((await end({ status: 'succeed' })).status).toBe(409);
  });

  it('that is submitted without a status is rejected', async () => {
    await server.dtm('prepareWorkflow', workflow());
    const response = await end({ result: 'b2s=' });
    expect([response.status, response.json.field]).toEqual([400, 'req_extra.status']);
  });

  it('has a transaction object in every response, and a list of steps in every response but errors', async () => {
    for (const body of [
      { ...workflow(), gid: '' },
      { ...workflow(), protocol: 'smoke' },
      '{',
      { ...workflow(), gid: 7 },
    ]) {
      const response = await server.dtm('prepareWorkflow', body);
      expect(response.status).toBe(400);
      expect(typeof response.json.transaction).toBe('object');
      expect(response.json.progresses).toBe(response.json.message);
    }
  });
});
