import { LIMITS } from '@holdfast/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestResponse, TestServer } from './support/running-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const NOWHERE = 'http://127.0.0.1:9/';
const saga = (fields: object) => ({
  gid: 'hostile',
  trans_type: 'saga',
  steps: [{ action: NOWHERE }, { action: NOWHERE }],
  payloads: ['', ''],
  ...fields,
});
const many = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const mapOf = (count: number): Record<string, string> =>
  Object.fromEntries(many(count, '').map((text, i) => [`k${i}`, text]));
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

/** What every route that takes a gid, a branch, a topic or a key is given, by its name. */
const routes: Readonly<Record<string, (name: string) => Promise<TestResponse>>> = {
  submit: (gid) => server.dtm('submit', { gid, trans_type: 'tcc' }),
  prepare: (gid) => server.dtm('prepare', { gid, trans_type: 'tcc' }),
  abort: (gid) => server.dtm('abort', { gid, trans_type: 'tcc' }),
  forceStop: (gid) => server.dtm('forceStop', { gid }),
  resetNextCronTime: (gid) => server.dtm('resetNextCronTime', { gid }),
  prepareWorkflow: (gid) => server.dtm('prepareWorkflow', { gid, trans_type: 'workflow', custom_data: '{"name":"w"}' }),
  'submit of a workflow': (gid) =>
    server.dtm('submit', { gid, trans_type: 'workflow', req_extra: { status: 'succeed' } }),
  'registerBranch (gid)': (gid) => server.dtm('registerBranch', { gid, trans_type: 'tcc', branch_id: '01' }),
  'registerBranch (branch)': (name) => server.dtm('registerBranch', { gid: 'g', trans_type: 'tcc', branch_id: name }),
  'registerBranch (op)': (op) =>
    server.dtm('registerBranch', { gid: 'g', trans_type: 'workflow', branch_id: '01', op, status: 'succeed' }),
  'name of a workflow': (name) =>
    server.dtm('prepareWorkflow', { gid: 'g', trans_type: 'workflow', custom_data: JSON.stringify({ name }) }),
  query: (gid) => server.get(`/api/dtmsvr/query?gid=${encoded(gid)}`),
  all: (gid) => server.get(`/api/dtmsvr/all?gid=${encoded(gid)}`),
  subscribe: (topic) => server.post(`/api/dtmsvr/subscribe?topic=${encoded(topic)}&url=${NOWHERE}`),
  unsubscribe: (topic) => server.post(`/api/dtmsvr/unsubscribe?topic=${encoded(topic)}&url=${NOWHERE}`),
  'topic/:name': (topic) => server.request('DELETE', `/api/dtmsvr/topic/${encoded(topic)}`),
  'step at a topic': (topic) =>
    server.dtm('submit', saga({ trans_type: 'msg', steps: many(2, { action: `topic://${topic}` }) })),
  'v1 create': (gid) => server.post('/api/v1/transactions', { gid, pattern: 'tcc' }),
  'v1 get': (gid) => server.get(`/api/v1/transactions/${encoded(gid)}`),
  'v1 wait': (gid) => server.get(`/api/v1/transactions/${encoded(gid)}?waitMs=5`),
  'v1 submit': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/submit`),
  'v1 abort': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/abort`),
  'v1 retry': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/retry`),
  'v1 stop': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/stop`),
  'v1 finish': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/finish`, { status: 'succeed' }),
  'v1 park': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/park`, { reason: 'x' }),
  'v1 heartbeat': (gid) => server.post(`/api/v1/transactions/${encoded(gid)}/heartbeat`),
  'v1 branches': (gid) =>
    server.post(`/api/v1/transactions/${encoded(gid)}/branches`, { pattern: 'xa', branchId: '01', url: NOWHERE }),
  'v1 workflow': (name) => server.post('/api/v1/transactions', { pattern: 'workflow', workflow: { name } }),
  'v1 topic': (topic) => server.request('PUT', `/api/v1/topics/${encoded(topic)}/subscribers`, { url: NOWHERE }),
};

/** A URL cannot contain a lone surrogate; its three bytes, which are not UTF-8, are possible. */
const encoded = (name: string): string => (name.isWellFormed() ? encodeURIComponent(name) : 'half-%ED%A0%80');

describe('a name that a store cannot keep is a 400', () => {
  it.each(Object.keys(routes))('%s', async (route) => {
    for (const name of ['x'.repeat(129), 'nul\0', 'half-\ud800']) {
      const response = await routes[route]?.(name);
      // Where a URL's bytes are decoded leniently, what is left of the half is a name like any
      // other.
      if (name.isWellFormed() || response?.status === 400)
        expect([name.length, response?.status]).toEqual([name.length, 400]);
      else expect(response?.status).toBeLessThan(500);
    }
  });
});

describe('lists and maps have bounds', () => {
  it.each([
    ['steps', { steps: many(LIMITS.steps + 1, 1) }],
    ['payloads', { payloads: many(LIMITS.steps + 1, 1) }],
    ['branch_headers', { branch_headers: mapOf(LIMITS.branchHeaders + 1) }],
    ['req_extra', { trans_type: 'workflow', req_extra: mapOf(101) }],
    ['custom_data.orders', { custom_data: JSON.stringify({ concurrent: true, orders: mapOf(LIMITS.steps + 1) }) }],
    ['custom_data', { custom_data: `{"orders":{"0":[${many(LIMITS.jsonElements + 1, 0).join(',')}]}}` }],
    ['custom_data.orders', { custom_data: `{"orders":{"0":["${many(LIMITS.dependencies + 1, 'x').join('","')}"]}}` }],
  ])('%s', async (field, wrong) => {
    const { status, json } = await server.dtm('submit', saga(wrong));
    expect({ status, field: json.field }).toEqual({ status: 413, field });
  });

  it('so has a request as a whole', async () => {
    const wide = `[${many(LIMITS.jsonElements + 1, 0).join(',')}]`;
    const objects = `[${many(LIMITS.requestFields, '{}').join(',')}]`;
    for (const body of [wide, objects, `{"gid":"g","trans_type":"tcc","x":${wide}}`]) {
      expect(await server.dtm('submit', body)).toMatchObject({ status: 413 });
      expect(await server.post('/api/json-rpc', body)).toMatchObject({ status: 413 });
      expect(await server.post('/api/v1/transactions', body)).toMatchObject({ status: 413 });
    }
    const after = many(LIMITS.dependencies + 1, 'x');
    const request = { pattern: 'saga', steps: [{ action: NOWHERE, after }] };
    expect(await server.post('/api/v1/transactions', request)).toMatchObject({ status: 413 });
    expect(await server.dtm('submit', mapOf(101))).toMatchObject({ status: 413 });
  });
});

describe('JSON of many levels is a 400', () => {
  it('in a payload, in params, in fields that are ignored', async () => {
    const deep = nested(5_000);
    const step = `{"action":"${NOWHERE}","payload":${deep}}`;
    const responses = [
      await server.post('/api/v1/transactions', `{"pattern":"saga","steps":[${step}]}`),
      await server.dtm('submit', `{"gid":"g","trans_type":"tcc","x":${deep}}`),
      await server.dtm('submit', saga({ custom_data: deep })),
      await server.post('/api/json-rpc', `{"jsonrpc":"2.0","id":1,"method":"newGid","params":${deep}}`),
    ];
    expect(responses.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect(responses[0]?.text).toContain('the body must have at most 500 levels of nesting');
  });

  it('while brackets in texts are only text', async () => {
    const payloads = ['['.repeat(5_000), '\\"['.repeat(5_000)];
    const { status } = await server.dtm('submit', saga({ gid: 'brackets', payloads, steps: [{}, {}] }));
    expect(status).toBe(200);
  });
});

describe('dependencies of steps', () => {
  it.each([
    ['01', { '01': [0] }, '"01" must be written "1"'],
    ['1.0', { '1.0': [0] }, '"1.0" must be written "1"'],
    [' 1', { ' 1': [0] }, '" 1" must be written "1"'],
    ['1e0', { '1e0': [0] }, '"1e0" must be written "1"'],
    ['-0', { '-0': [1] }, '"-0" must be written "0"'],
    ['', { '': [0] }, '"" is not the index of a step; steps are 0 to 1'],
    ['two', { two: [0] }, '"two" is not the index of a step; steps are 0 to 1'],
    ['2', { 2: [0] }, '"2" is not the index of a step; steps are 0 to 1'],
    ['on a step that is not there', { 1: [2] }, 'step 1 depends on step 2, which does not exist'],
    ['on itself', { 1: [1] }, 'step 1 depends on itself'],
    ['twice', { 1: [0, 0] }, 'step 1 lists step 0 twice'],
    ['in a cycle', { 0: [1], 1: [0] }, 'the dependencies form a cycle, so that steps 0, 1 could never start'],
  ])('are rejected with the field (%s)', async (_, orders, fault) => {
    const { status, json } = await server.dtm(
      'submit',
      saga({ custom_data: JSON.stringify({ concurrent: true, orders }) }),
    );
    expect({ status, field: json.field }).toEqual({ status: 400, field: 'custom_data.orders' });
    expect(json.message).toContain(fault);
  });
});

describe('durations and counts have bounds', () => {
  it.each([
    ['request_timeout', { request_timeout: 601 }],
    ['request_timeout', { request_timeout: Number.MAX_SAFE_INTEGER }],
    ['retry_interval', { retry_interval: 366 * 24 * 3_600 }],
    ['retry_limit', { retry_limit: 1_001 }],
    ['custom_data.delay', { trans_type: 'msg', custom_data: JSON.stringify({ delay: 366 * 24 * 3_600 }) }],
  ])('%s', async (field, wrong) => {
    const { status, json } = await server.dtm('submit', saga(wrong));
    expect({ status, field: json.field }).toEqual({ status: 400, field });
  });

  it('are reported with the fields of /api/v1', async () => {
    const steps = [{ action: NOWHERE }];
    const { status, json } = await server.post('/api/v1/transactions', {
      pattern: 'saga',
      steps,
      requestTimeoutMs: 600_001,
    });
    expect({ status, field: json.field }).toEqual({ status: 400, field: 'requestTimeoutMs' });
    const own = await server.post('/api/v1/transactions', {
      pattern: 'saga',
      steps: [{ action: NOWHERE, requestTimeoutMs: 600_001 }],
    });
    expect({ status: own.status, field: own.json.field }).toEqual({ status: 400, field: 'steps[0].requestTimeoutMs' });
  });
});

describe('a text that enters a record', () => {
  it('is truncated if it is a reason', async () => {
    const reason = '\ud800' + 'x'.repeat(5_000);
    await server.dtm('prepare', { gid: 'reason', trans_type: 'tcc' });
    expect((await server.dtm('abort', { gid: 'reason', trans_type: 'tcc', rollback_reason: reason })).status).toBe(200);
    const kept = (await server.get('/api/v1/transactions/reason')).json.rollbackReason;
    expect([kept.length, kept.isWellFormed()]).toEqual([1_024, true]);
  });

  it('is rejected if the record needs all of it', async () => {
    const workflow = { gid: 'flow', trans_type: 'workflow', custom_data: '{"name":"w"}', query_prepared: NOWHERE };
    await server.dtm('prepareWorkflow', workflow);
    const result = 'x'.repeat(LIMITS.workflowResultLength + 1);
    const ended = await server.dtm('submit', { ...workflow, req_extra: { status: 'succeed', result } });
    expect({ status: ended.status, field: ended.json.field }).toEqual({ status: 413, field: 'req_extra.result' });
    const remark = 'x'.repeat(LIMITS.remarkLength + 1);
    const noted = await server.post(`/api/dtmsvr/subscribe?topic=t&url=${NOWHERE}&remark=${remark}`);
    expect({ status: noted.status, field: noted.json.field }).toEqual({ status: 400, field: 'remark' });
  });
});

describe('a request with any content', () => {
  const texts = fc.oneof(
    fc.constantFrom('', '0', 'g', 'saga', 'msg', 'tcc', 'xa', 'workflow', 'succeed', 'action', NOWHERE, 'topic://t'),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('\ud800', '\0', 'x'.repeat(200), '{"orders":{"0":[1]},"concurrent":true}', '{"name":"\\ud800"}'),
  );
  const fields = fc.constantFrom(
    ...['gid', 'trans_type', 'steps', 'payloads', 'custom_data', 'query_prepared', 'protocol', 'branch_headers'],
    ...['branch_id', 'op', 'url', 'data', 'status', 'req_extra', 'rollback_reason', 'retry_limit', 'request_timeout'],
    ...['pattern', 'workflow', 'name', 'input', 'branchId', 'action', 'compensate', 'payload', 'after', 'concurrent'],
    ...['confirm', 'cancel', 'reason', 'result', 'by', 'remark', 'delayMs', 'branchHeaders', 'retryLimit'],
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      texts,
      fc.constantFrom(null, true, 0, -1, 1.5, 1e300, 7),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof({ weight: 8, arbitrary: fields }, { weight: 1, arbitrary: texts }), tie('value'), {
        maxKeys: 6,
      }),
    ),
  }));
  const body = fc.dictionary(fields, value, { maxKeys: 8 });
  const routeOf = fc.constantFrom(
    ...['prepare', 'submit', 'abort', 'registerBranch', 'prepareWorkflow', 'forceStop', 'resetNextCronTime'].map(
      (call) => ['POST', `/api/dtmsvr/${call}`] as const,
    ),
    ...['', '/g/submit', '/g/abort', '/g/retry', '/g/branches', '/g/finish', '/g/park', '/g/heartbeat'].map(
      (path) => ['POST', `/api/v1/transactions${path}`] as const,
    ),
    ['PUT', '/api/v1/topics/t/subscribers'] as const,
    ['POST', '/api/json-rpc'] as const,
  );

  it('never leads to a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(routeOf, body, async ([method, path], given) => {
        const request = path === '/api/json-rpc' ? { jsonrpc: '2.0', id: 1, method: 'submit', params: given } : given;
        const response = await server.request(method, path, { gid: 'fuzz', trans_type: 'saga', ...request });
        expect(response.status, response.text).toBeLessThan(500);
        expect(response.text).not.toContain('internal');
      }),
      { numRuns: 400, seed: 20_260_101 },
    );
  });
});
