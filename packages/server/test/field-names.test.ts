import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemDetails } from '@holdfast/protocol';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ maxPayloadBytes: 100 });
});
afterAll(() => server[Symbol.asyncDispose]());

const LARGE = 'x'.repeat(101);
const LONG_URL = `http://a/${'x'.repeat(3_000)}`;

/** The same fault in a request of both wires, and the field as each wire names it. */
interface Case {
  readonly dtm: { readonly field: string; readonly body: object };
  readonly v1: { readonly field: string; readonly body: object };
}
const both = (dtmField: string, dtmBody: object, v1Field: string, v1Body: object): Case => ({
  dtm: { field: dtmField, body: dtmBody },
  v1: { field: v1Field, body: v1Body },
});

const CASES: Readonly<Record<string, Case>> = {
  'a large payload': both(
    'payloads[1]',
    { trans_type: 'saga', steps: [{ action: 'http://a/' }, { action: 'http://a/' }], payloads: ['', LARGE] },
    'steps[1].payload',
    { pattern: 'saga', steps: [{ action: 'http://a/' }, { action: 'http://a/', payload: LARGE }] },
  ),
  'a dependency on no step': both(
    'custom_data.orders',
    {
      trans_type: 'saga',
      steps: [{ action: 'http://a/' }, { action: 'http://a/' }],
      payloads: ['', ''],
      custom_data: '{"concurrent":true,"orders":{"1":[7]}}',
    },
    'steps[1].after',
    { pattern: 'saga', steps: [{ action: 'http://a/' }, { action: 'http://a/', after: [7] }] },
  ),
  'too many retries': both(
    'retry_limit',
    { trans_type: 'saga', steps: [{ action: 'http://a/' }], payloads: [''], retry_limit: 900_000 },
    'retryLimit',
    { pattern: 'saga', steps: [{ action: 'http://a/' }], retryLimit: 900_000 },
  ),
  'a check-back URL that is none': both(
    'query_prepared',
    { trans_type: 'msg', steps: [{ action: 'http://a/' }], payloads: [''], query_prepared: 'nonsense' },
    'queryPrepared',
    { pattern: 'msg', steps: [{ action: 'http://a/' }], queryPrepared: 'nonsense' },
  ),
  'a long URL': both(
    'steps[0].compensate',
    { trans_type: 'saga', steps: [{ action: 'http://a/', compensate: LONG_URL }], payloads: [''] },
    'steps[0].compensate',
    { pattern: 'saga', steps: [{ action: 'http://a/', compensate: LONG_URL }] },
  ),
  'a header that cannot be sent': both(
    'branch_headers["a b"]',
    { trans_type: 'saga', steps: [{ action: 'http://a/' }], payloads: [''], branch_headers: { 'a b': 'c' } },
    'branchHeaders["a b"]',
    { pattern: 'saga', steps: [{ action: 'http://a/' }], branchHeaders: { 'a b': 'c' } },
  ),
};

/** No part of a message that is about one wire may be in the words of the other one. */
const DTM_WORDS = /payloads|custom_data|retry_limit|query_prepared|branch_headers|trans_type|branch_id|timeout_to_fail/;
const OWN_WORDS = /\.payload\b|\.after\b|retryLimit|queryPrepared|branchHeaders|branchId|timeoutToFailMs/;

describe.each(Object.entries(CASES))('the field of %s', (_, { dtm, v1 }) => {
  it('has its name on dtm’s wire over REST and JSON-RPC', async () => {
    const rest = await server.dtm('submit', { gid: 'g', ...dtm.body });
    expect([rest.json.field, rest.json.message.startsWith(`${dtm.field}: `)]).toEqual([dtm.field, true]);
    const rpc = await server.rpc('submit', { gid: 'g', ...dtm.body });
    expect(rpc.json.error.data).toMatchObject({ field: dtm.field, code: rest.json.code, gid: 'g' });
    expect(rpc.json.error.message).toBe(rest.json.message);
    expect(rest.json.message).not.toMatch(OWN_WORDS);
  });

  it('has its name in /api/v1', async () => {
    const { json } = await server.post('/api/v1/transactions', { gid: 'g', ...v1.body });
    const problem = problemDetails.parse(json);
    expect(problem.field).toBe(v1.field);
    expect(problem.detail.startsWith(`${v1.field}: `)).toBe(true);
    expect(problem.detail).not.toMatch(DTM_WORDS);
  });
});

it('a gid that looks like the name of a field is shown as it is', async () => {
  for (const gid of ['retry_limit', 'branch_id', 'payloads[0]', 'data']) {
    const { json } = await server.get(`/api/v1/transactions/${encodeURIComponent(gid)}`);
    expect(problemDetails.parse(json)).toMatchObject({ code: 'not_found', gid });
    expect(problemDetails.parse(json).detail).toContain(gid);
  }
});

it('a field whose name was chosen by the caller is shown escaped and bounded', async () => {
  const name = `a\n${'b'.repeat(500)}`;
  const body = { gid: 'g', pattern: 'saga', steps: [{ action: 'http://a/' }], branchHeaders: { [name]: 7 } };
  const { json } = await server.post('/api/v1/transactions', body);
  const { field = '', detail } = problemDetails.parse(json);
  expect(field).toBe(`branchHeaders[${JSON.stringify(`${name.slice(0, 64)}…`)}]`);
  expect(detail.length).toBeLessThan(300);
});
