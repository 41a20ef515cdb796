import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  nodeList,
  nodeStatus,
  problemDetails,
  topicPage,
  transactionDetails,
  transactionPage,
  transactionReply,
} from '@holdfast/protocol';
import { always, Participants } from '@holdfast/testing/participants';
import { type TestResponse, TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
  shop.respond('/sold-out action', always(409, '{"message":"sold out"}'));
  shop.respond('/broken', always(503, 'closed'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `v1-${++serial}`;
});

const saga = (path: string, fields = {}) => ({
  gid,
  pattern: 'saga',
  steps: [{ action: shop.url(path), compensate: shop.url('/undo'), payload: { amount: 30 } }],
  ...fields,
});
const message = (path: string, fields = {}) => ({
  gid,
  pattern: 'msg',
  status: 'prepared',
  steps: [{ action: shop.url(path), payload: { amount: 30 } }],
  queryPrepared: shop.url('/check'),
  ...fields,
});
const create = (body: unknown, query = '') => server.post(`/api/v1/transactions${query}`, body);
const problem = ({ status, json, headers }: TestResponse) => {
  expect(headers.get('content-type')).toBe('application/problem+json');
  const read = problemDetails.parse(json);
  expect(read.status).toBe(status);
  return read;
};

describe('POST /api/v1/transactions', () => {
  it('calls a step without a payload by POST, and its compensation as well', async () => {
    const steps = [
      { action: shop.url('/bare'), compensate: shop.url('/undo') },
      { action: shop.url('/sold-out'), compensate: shop.url('/undo') },
    ];
    await create({ gid, pattern: 'saga', steps }, '?waitMs=10000');
    const calls = shop.seen.filter(({ url }) => url.searchParams.get('gid') === gid);
    expect(calls.length).toBeGreaterThanOrEqual(3);
    expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(['POST']));
  });

  it('responds with the current transaction once it is durable', async () => {
    const { status, json } = await create(saga('/broken'));
    expect(status).toBe(200);
    expect(transactionReply.parse(json)).toMatchObject({
      namespace: 'default',
      gid,
      pattern: 'saga',
      status: 'submitted',
    });
  });

  it('waits until the transaction is finished if the request specifies it', async () => {
    const { json } = await create(saga('/ok'), '?waitMs=10000');
    expect(transactionReply.parse(json)).toMatchObject({ status: 'succeed', lastResult: null });
    expect(shop.seen.at(-1)?.body).toBe('{"amount":30}');
    const failed = await create(saga('/sold-out', { gid: `${gid}-b` }), '?waitMs=10000');
    expect(transactionReply.parse(failed.json)).toMatchObject({
      status: 'failed',
      rollbackReason: '{"message":"sold out"}',
    });
  });

  it('returns the reason why the transaction is unfinished when the wait ends', async () => {
    // A wait may end before the first call of the branch does, so that the submission is repeated.
    await vi.waitFor(
      async () => {
        const { json } = await create(saga('/broken'), '?waitMs=50');
        expect(transactionReply.parse(json)).toMatchObject({
          status: 'submitted',
          lastResult: { kind: 'UNKNOWN', reason: 'HTTP 503: closed' },
        });
      },
      { timeout: 30_000 },
    );
  });

  it('generates a gid if the request contains none', async () => {
    const { json } = await create(saga('/ok', { gid: undefined }));
    expect(json.gid).toMatch(/^[0-9a-z]{26}$/);
  });

  it('prepares a message, which is delivered after its submit', async () => {
    expect((await create(message('/ok'))).json.status).toBe('prepared');
    const { json } = await server.post(`/api/v1/transactions/${gid}/submit?waitMs=10000`);
    expect(transactionReply.parse(json).status).toBe('succeed');
  });

  it('starts concurrent steps after their dependencies, and applies the timeout of each step', async () => {
    const step = (path: string, more = {}) => ({ action: shop.url(path), ...more });
    const steps = [
      step('/third', { after: [1] }),
      step('/second', { after: [2] }),
      step('/first', { requestTimeoutMs: 1_000 }),
    ];
    await create({ gid, pattern: 'saga', steps }, '?waitMs=10000');
    expect(shop.calls.slice(-3)).toEqual(['03 action /first', '02 action /second', '01 action /third']);
  });

  it.each([
    ['pattern', { pattern: 'tccs' }],
    ['steps', { steps: [] }],
    ['steps[0].action', { steps: [{ action: '' }] }],
    ['steps[0].action', { steps: [{ action: 'local://debit' }] }],
    ['steps[0].after', { steps: [{ action: 'http://a/', after: [0] }], concurrent: false }],
    ['steps[0].after', { steps: [{ action: 'http://a/', after: [0] }], pattern: 'msg' }],
    ['steps[0].after', { steps: [{ action: 'http://a/', after: [0] }] }],
    ['queryPrepared', { queryPrepared: 'nonsense' }],
    ['branchHeaders["a b"]', { branchHeaders: { 'a b': 'c' } }],
    ['retryLimit', { retryLimit: 0.5 }],
    [undefined, { surprise: true }],
  ])('names the wrong field as /api/v1 spells it: %s', async (field, wrong) => {
    const read = problem(await create(saga('/ok', wrong)));
    expect(read).toMatchObject({ status: 400, code: 'invalid', ...(field !== undefined && { field }) });
    expect(read.detail).toContain(field ?? 'surprise');
  });

  const GRPC = 'grpc://127.0.0.1:1/bank.Bank/Debit';
  it.each([
    ['queryPrepared', { pattern: 'workflow', workflow: { name: 'größe', input: null }, queryPrepared: GRPC }],
    ['steps[0].action', { pattern: 'saga', steps: [{ action: GRPC }], branchHeaders: { 'x-name': 'Müller' } }],
    [
      'steps[1].compensate',
      {
        pattern: 'saga',
        steps: [{ action: 'http://a/' }, { action: 'http://a/', compensate: GRPC }],
        branchHeaders: { 'x!': '1' },
      },
    ],
  ])('rejects what gRPC could not carry to a branch, which would never be called: %s', async (field, body) => {
    const read = problem(await create({ gid, ...body }));
    expect(read).toMatchObject({ status: 400, code: 'invalid', field });
    expect(read.detail).toMatch(/gRPC/);
  });

  it('is a success for a transaction that has succeeded, and an error for one that has failed', async () => {
    await create(saga('/ok'), '?waitMs=10000');
    expect((await create(saga('/ok'))).json).toMatchObject({ gid, status: 'succeed' });
    gid = `${gid}-failed`;
    await create(saga('/sold-out'), '?waitMs=10000');
    expect(problem(await create(saga('/sold-out')))).toMatchObject({
      status: 409,
      code: 'refused',
      gid,
      transactionStatus: 'failed',
    });
  });
});

describe('GET /api/v1/transactions', () => {
  it('shows all of one transaction except its payloads', async () => {
    await create(saga('/sold-out'), '?waitMs=10000');
    const { json, text } = await server.get(`/api/v1/transactions/${gid}`);
    const details = transactionDetails.parse(json);
    expect(details).toMatchObject({ gid, status: 'failed', dueAtMs: null, timelineOmitted: 0 });
    expect(details.branches.map(({ branchId, op, status }) => `${branchId} ${op} ${status}`)).toEqual([
      '01 compensate succeed',
      '01 action failed',
    ]);
    expect(details.timeline.map(({ kind }) => kind)).toContain('call');
    expect(text).not.toContain('amount');
  });

  it('waits for a transaction to finish', async () => {
    shop.respond('/slow', (response) => setImmediate(() => response.end()));
    await create(saga('/slow'));
    const { json } = await server.get(`/api/v1/transactions/${gid}?waitMs=10000`);
    expect(json.status).toBe('succeed');
  });

  it('lists transactions newest first, in pages, by filters', async () => {
    await using own = await TestServer.start();
    for (const name of ['a', 'b', 'c']) await own.post('/api/v1/transactions', message('/ok', { gid: name }));
    const first = transactionPage.parse((await own.get('/api/v1/transactions?limit=2')).json);
    const second = transactionPage.parse(
      (await own.get(`/api/v1/transactions?limit=2&cursor=${encodeURIComponent(first.next ?? '')}`)).json,
    );
    expect([...first.items, ...second.items].map((item) => item.gid).toSorted()).toEqual(['a', 'b', 'c']);
    expect(second.next).toBeNull();
    const count = async (query: string) => (await own.get(`/api/v1/transactions?${query}`)).json.items.length;
    expect(await count('status=prepared&pattern=msg&attention=false')).toBe(3);
    expect(await count('status=succeed')).toBe(0);
    expect(await count('gid=b')).toBe(1);
    expect(await count(`createdFromMs=${Date.now() + 60_000}`)).toBe(0);
    expect(problem(await own.get('/api/v1/transactions?attention=maybe')).field).toBe('attention');
    expect(problem(await own.get('/api/v1/transactions?cursor=%00')).code).toBe('invalid');
  });

  it('responds 404 to an unknown gid', async () => {
    for (const response of [
      await server.get('/api/v1/transactions/nobody'),
      await server.get('/api/v1/transactions/nobody?waitMs=5'),
      await server.post('/api/v1/transactions/nobody/submit'),
      await server.post('/api/v1/transactions/nobody/abort'),
      await server.post('/api/v1/transactions/nobody/retry'),
      await server.post('/api/v1/transactions/nobody/stop'),
    ])
      expect(problem(response)).toMatchObject({ status: 404, code: 'not_found', gid: 'nobody' });
  });

  it('finds a gid that needs encoding', async () => {
    const odd = 'a/b?c d%é';
    await create(saga('/ok', { gid: odd }), '?waitMs=10000');
    expect((await server.get(`/api/v1/transactions/${encodeURIComponent(odd)}`)).json.gid).toBe(odd);
  });
});

describe('operator commands', () => {
  it('abort a running saga with a reason', async () => {
    await create(saga('/broken'), '?waitMs=50');
    const { json } = await server.post(`/api/v1/transactions/${gid}/abort`, { reason: 'customer called' });
    expect(transactionDetails.parse(json).rollbackReason).toContain('customer called');
    expect((await server.get(`/api/v1/transactions/${gid}?waitMs=10000`)).json.status).toBe('failed');
  });

  it('retry a transaction at once', async () => {
    shop.respond('/healing', always(500));
    await create(saga('/healing'), '?waitMs=50');
    shop.respond('/healing', always(200));
    expect((await server.post(`/api/v1/transactions/${gid}/retry`)).status).toBe(200);
    expect((await server.get(`/api/v1/transactions/${gid}?waitMs=10000`)).json.status).toBe('succeed');
    expect(problem(await server.post(`/api/v1/transactions/${gid}/retry`)).code).toBe('refused');
  });

  it('force-stop a transaction without a rollback, and list the reason and the effects that remain', async () => {
    shop.respond('/done', always(200));
    const steps = ['/done', '/broken', '/never'].map((path) => ({
      action: shop.url(path),
      compensate: shop.url('/undo'),
    }));
    await create({ ...saga('/done'), steps }, '?waitMs=50');
    await server.get(`/api/v1/transactions/${gid}?waitMs=200`);
    const { json } = await server.post(`/api/v1/transactions/${gid}/stop`, { reason: 'INC-42' });
    const details = transactionDetails.parse(json);
    expect(details).toMatchObject({ status: 'failed', stopped: 'INC-42', rollbackReason: '' });
    expect(details.remainingEffects).toEqual([
      { branchId: '01', op: 'action', url: shop.url('/done'), certain: true },
      { branchId: '02', op: 'action', url: shop.url('/broken'), certain: false },
    ]);
    const { json: page } = await server.get(`/api/v1/transactions?gid=${gid}`);
    expect(transactionPage.parse(page).items).toMatchObject([{ stopped: 'INC-42' }]);
  });

  it('accept a valid body or none', async () => {
    await create(saga('/broken'));
    expect(problem(await server.post(`/api/v1/transactions/${gid}/abort`, { because: 'x' })).code).toBe('invalid');
  });
});

describe('topics, nodes, status', () => {
  it('subscribe, list, unsubscribe, delete', async () => {
    await using own = await TestServer.start();
    const path = `/api/v1/topics/${encodeURIComponent('order/paid')}`;
    const url = shop.url('/mail');
    expect((await own.request('PUT', `${path}/subscribers`, { url, remark: 'mail' })).status).toBe(204);
    expect(problem(await own.request('PUT', `${path}/subscribers`, { url })).code).toBe('refused');
    expect(problem(await own.request('PUT', `${path}/subscribers`, { url: 'local://x' })).field).toBe('url');
    expect(topicPage.parse((await own.get('/api/v1/topics')).json)).toEqual({
      items: [{ topic: 'order/paid', version: 1, subscribers: [{ url, remark: 'mail' }] }],
      next: null,
    });
    expect((await own.request('DELETE', `${path}/subscribers?url=${encodeURIComponent(url)}`)).status).toBe(204);
    expect((await own.request('DELETE', path)).status).toBe(204);
    expect(problem(await own.request('DELETE', path)).code).toBe('not_found');
  });

  it('show the node, its load and what its store holds', async () => {
    const { items } = nodeList.parse((await server.get('/api/v1/nodes')).json);
    const status = nodeStatus.parse((await server.get('/api/v1/status')).json);
    expect(items.map(({ session, owned }) => [session, owned])).toContainEqual([status.session, 0]);
    expect(status).toMatchObject({
      store: { name: 'memory', durable: false },
      load: { draining: false, leaseHeld: true },
    });
    expect(status.counts.byStatus.succeed).toBeGreaterThan(0);
  });
});
