import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { always, Participants } from '@holdfast/testing/participants';
import { type TestResponse, TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
  shop.respond('/refused action', always(409, 'no'));
  shop.respond('/stuck', always(500));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `same-${++serial}`;
  shop.seen.length = 0;
});

interface Submission {
  readonly path: string;
  readonly amount: number;
  readonly pattern?: 'saga' | 'msg';
}

/** A transaction submitted over one of the APIs. */
type Submit = (
  requested: Submission,
) => Promise<{ readonly ok: boolean; readonly text: string; readonly code?: string }>;

const dtmBody = ({ path, amount, pattern = 'saga' }: Submission) => ({
  gid,
  trans_type: pattern,
  steps: [{ action: shop.url(path), ...(pattern === 'saga' && { compensate: shop.url('/undo') }) }],
  payloads: [JSON.stringify({ amount })],
});

const APIS: readonly (readonly [string, Submit])[] = [
  [
    "dtm's REST",
    async (requested) => {
      const response = await server.dtm('submit', dtmBody(requested));
      if (response.status !== 200) expect([response.status, response.json.dtm_result]).toEqual([409, 'FAILURE']);
      return { ok: response.status === 200, text: response.text };
    },
  ],
  [
    'JSON-RPC',
    async (requested) => {
      const { json, text } = await server.rpc('submit', dtmBody(requested));
      if (json.result !== undefined) return { ok: true, text };
      expect(json.error.code).toBe(-32_901);
      return { ok: false, text, code: (json.error.data as { readonly code: string }).code };
    },
  ],
  [
    '/api/v1',
    async ({ path, amount, pattern = 'saga' }) => {
      const compensate = pattern === 'saga' ? { compensate: shop.url('/undo') } : {};
      const steps = [{ action: shop.url(path), ...compensate, payload: { amount } }];
      const response = await server.post('/api/v1/transactions', { gid, pattern, steps });
      if (response.status === 200) return { ok: true, text: response.text };
      expect(response.status).toBe(409);
      return { ok: false, text: response.text, code: response.json.code };
    },
  ],
];

const ended = async (): Promise<void> => {
  await server.get(`/api/v1/transactions/${gid}?waitMs=10000`);
};

describe.each(APIS)('a gid submitted again over %s', (_, submit) => {
  it.each<[string, Submission, boolean]>([
    ['submitted', { path: '/stuck', amount: 30 }, true],
    ['succeeded', { path: '/ok', amount: 30 }, true],
    ['failed', { path: '/refused', amount: 30 }, false],
  ])('with the same content receives the response of the first, which has %s', async (status, requested, ok) => {
    expect((await submit(requested)).ok).toBe(true);
    if (status !== 'submitted') await ended();
    const calls = shop.calls.length;
    const again = await submit(requested);
    expect(again.ok).toBe(ok);
    if (!ok) expect(again.text).toContain(status);
    if (again.code !== undefined) expect(again.code).toBe('refused');
    if (status !== 'submitted') expect(shop.calls).toHaveLength(calls);
  });

  it.each(['/stuck', '/ok', '/refused'])('with another payload is rejected, whatever its status (%s)', async (path) => {
    await submit({ path, amount: 30 });
    if (path !== '/stuck') await ended();
    const other = await submit({ path, amount: 50 });
    expect(other.ok).toBe(false);
    if (other.code !== undefined) expect(other.code).toBe('exists');
    expect(other.text).toMatch(/other content: the payload of step 1 differs/);
    expect(shop.seen.some(({ body }) => body.includes('50'))).toBe(false);
  });

  it('with other steps, or as another pattern, is rejected', async () => {
    await submit({ path: '/ok', amount: 30 });
    expect((await submit({ path: '/other', amount: 30 })).text).toContain('the action of step 1 differs');
    const other = await submit({ path: '/ok', amount: 30, pattern: 'msg' });
    expect(other.text).toContain('is a saga, not a message');
    if (other.code !== undefined) expect(other.code).toBe('exists');
  });
});

describe('a gid submitted again', () => {
  it('is the same over another API, and with headers in another order', async () => {
    const branch_headers = { tenant: 'a', site: 'b' };
    await server.dtm('submit', { ...dtmBody({ path: '/ok', amount: 30 }), branch_headers });
    const steps = [{ action: shop.url('/ok'), compensate: shop.url('/undo'), payload: { amount: 30 } }];
    const v1 = (branchHeaders: object) =>
      server.post('/api/v1/transactions', { gid, pattern: 'saga', steps, branchHeaders });
    expect((await v1({ site: 'b', tenant: 'a' })).status).toBe(200);
    const other = await v1({ site: 'b', tenant: 'c' });
    expect([other.status, other.json.field]).toEqual([409, 'branchHeaders']);
  });

  it('is the same when the topic of its message has been deleted', async () => {
    const topic = `t-${gid}`;
    await server.get(`/api/dtmsvr/subscribe?topic=${topic}&url=${encodeURIComponent(shop.url('/ok'))}`);
    const body = { gid, trans_type: 'msg', steps: [{ action: `topic://${topic}` }], payloads: ['{}'] };
    expect((await server.dtm('submit', body)).status).toBe(200);
    await server.request('DELETE', `/api/dtmsvr/topic/${topic}`);
    expect((await server.dtm('submit', body)).status).toBe(200);
    expect((await server.dtm('submit', { ...body, payloads: ['[]'] })).status).toBe(409);
    expect((await server.dtm('submit', { ...body, gid: `${gid}-new` })).status).toBe(400);
  });

  it('is the same when the submit of a prepared message repeats it with another delay', async () => {
    const body = { ...dtmBody({ path: '/ok', amount: 30, pattern: 'msg' }), query_prepared: shop.url('/check') };
    expect((await server.dtm('prepare', body)).status).toBe(200);
    expect((await server.dtm('prepare', body)).status).toBe(200);
    expect((await server.dtm('prepare', { ...body, payloads: ['{}'] })).status).toBe(409);
    expect((await server.dtm('submit', { ...body, payloads: ['{}'] })).status).toBe(409);
    const submit = { ...body, custom_data: '{"delay":1}', retry_interval: 3 };
    expect((await server.dtm('submit', submit)).status).toBe(200);
    expect((await server.dtm('submit', submit)).status).toBe(200);
    expect((await server.dtm('submit', { gid, trans_type: 'msg' })).status).toBe(200);
  });

  it('is rejected for a workflow with another input, and found if its process has another URL', async () => {
    const of = (data: string, url: string) => ({
      gid,
      trans_type: 'workflow',
      query_prepared: shop.url(url),
      custom_data: JSON.stringify({ name: 'pay', data: Buffer.from(data).toString('base64') }),
    });
    const prepare = (body: object): Promise<TestResponse> => server.dtm('prepareWorkflow', body);
    expect((await prepare(of('30', '/pod-1'))).status).toBe(200);
    expect((await prepare(of('30', '/pod-2'))).status).toBe(200);
    const end = (status: string) => server.dtm('submit', { gid, trans_type: 'workflow', req_extra: { status } });
    expect((await prepare(of('50', '/pod-1'))).status).toBe(409);
    expect((await end('succeed')).status).toBe(200);
    expect((await end('succeed')).status).toBe(200);
    expect((await end('failed')).status).toBe(409);
    expect((await prepare(of('30', '/pod-1'))).json.transaction.status).toBe('succeed');
    const late = await prepare(of('50', '/pod-1'));
    expect([late.status, late.json.transaction]).toEqual([409, { gid }]);
    expect(late.text).toContain('the input differs');
  });
});

describe('a branch', () => {
  const branch = (trans_type: string) => ({
    gid,
    trans_type,
    branch_id: '01',
    data: '{"amount":30}',
    confirm: shop.url('/ok'),
    cancel: shop.url('/ok'),
    url: shop.url('/ok'),
    op: 'action',
    status: 'succeed',
  });

  const prepare = (trans_type: string): Promise<TestResponse> =>
    trans_type === 'msg'
      ? server.dtm('prepare', dtmBody({ path: '/ok', amount: 1, pattern: 'msg' }))
      : server.dtm(trans_type === 'workflow' ? 'prepareWorkflow' : 'prepare', {
          gid,
          trans_type,
          query_prepared: shop.url('/check'),
          ...(trans_type === 'workflow' && { custom_data: '{"name":"pay"}' }),
        });

  it.each(['tcc', 'xa', 'workflow'])('of a %s is rejected by a transaction of another pattern', async (pattern) => {
    for (const other of ['tcc', 'xa', 'workflow', 'msg'].filter((one) => one !== pattern)) {
      gid = `same-${++serial}`;
      expect((await prepare(other)).status).toBe(200);
      const rest = await server.dtm('registerBranch', branch(pattern));
      expect([rest.status, rest.json.dtm_result]).toEqual([409, 'FAILURE']);
      expect(rest.text).toContain(`is a ${other === 'msg' ? 'message' : other}, not a ${pattern}`);
      expect((await server.rpc('registerBranch', branch(pattern))).json.error.code).toBe(-32_901);
      expect((await server.query(gid)).branches.map(({ op }) => op)).toEqual(other === 'msg' ? ['action'] : []);
    }
  });

  it.each(['tcc', 'xa'])(
    'of a %s is accepted again if it is the same, not with another call, and not after the decision',
    async (pattern) => {
      await prepare(pattern);
      expect((await server.dtm('registerBranch', branch(pattern))).status).toBe(200);
      expect((await server.dtm('registerBranch', branch(pattern))).status).toBe(200);
      // The previous version stored the payloads of `/api/v1` rewritten.
      const spelled = { ...branch(pattern), data: '{ "amount": 30.0 }' };
      expect((await server.dtm('registerBranch', spelled)).status).toBe(200);
      const urls = { confirm: shop.url('/x'), url: shop.url('/x') };
      expect((await server.dtm('registerBranch', { ...branch(pattern), ...urls })).status).toBe(409);
      if (pattern === 'tcc')
        expect((await server.dtm('registerBranch', { ...branch(pattern), data: '{}' })).status).toBe(409);
      await server.dtm('abort', { gid, trans_type: pattern });
      const late = { ...branch(pattern), branch_id: '02' };
      expect((await server.dtm('registerBranch', late)).status).toBe(409);
      expect((await server.rpc('registerBranch', late)).json.error.code).toBe(-32_901);
    },
  );
});
