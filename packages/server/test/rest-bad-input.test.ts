import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './support/running-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ maxSteps: 3, maxPayloadBytes: 100 });
});
afterAll(() => server[Symbol.asyncDispose]());

const url = 'http://127.0.0.1:9/';
const saga = (fields: object) => ({
  gid: 'bad',
  trans_type: 'saga',
  steps: [{ action: url }],
  payloads: [''],
  ...fields,
});
const tcc = (fields: object) => ({
  gid: 'bad',
  trans_type: 'tcc',
  branch_id: '01',
  confirm: url,
  cancel: url,
  ...fields,
});

describe('an invalid transaction is a 400 that names the field', () => {
  it.each([
    ['gid', { gid: 7 }],
    ['gid', { gid: '' }],
    ['gid', { gid: null }],
    ['gid', { gid: 'x'.repeat(129) }],
    ['trans_type', { trans_type: 'sagas' }],
    ['trans_type', { trans_type: null }],
    ['steps', { steps: 'none' }],
    ['steps[0]', { steps: ['none'] }],
    ['steps[1].action', { steps: [{ action: url }, { action: 7 }], payloads: ['', ''] }],
    ['steps[0].action', { steps: [{ action: 'bank/debit' }] }],
    ['steps[0].action', { steps: [{ action: 'local://debit' }] }],
    ['steps[0].action', { steps: [{ action: 'topic://orders' }] }],
    ['steps[0].action', { steps: [{ action: 'bank/busi.Busi/TransIn' }], protocol: 'grpc' }],
    ['steps[0].action', { steps: [{ action: `http://bank/${'x'.repeat(2_048)}` }] }],
    ['steps[0].compensate', { steps: [{ action: url, compensate: 'ftp://bank' }] }],
    ['payloads', { payloads: null }],
    ['payloads', { steps: [{ action: url }, { action: url }] }],
    ['payloads[0]', { payloads: [{ amount: 30 }] }],
    ['custom_data', { custom_data: { orders: {} } }],
    ['custom_data', { custom_data: '{orders' }],
    ['custom_data.orders.0', { custom_data: '{"orders":{"0":7},"concurrent":true}' }],
    ['custom_data.orders', { custom_data: '{"orders":{"0":[1]},"concurrent":true}' }],
    ['custom_data.orders', { custom_data: '{"orders":{"0":[0]},"concurrent":true}' }],
    ['query_prepared', { query_prepared: 'local://check' }],
    ['protocol', { protocol: 'smoke' }],
    ['wait_result', { wait_result: 'yes' }],
    ['timeout_to_fail', { timeout_to_fail: '5' }],
    ['retry_interval', { retry_interval: 1.5 }],
    ['request_timeout', { request_timeout: -1 }],
    ['retry_limit', { retry_limit: -1 }],
    ['branch_headers.x', { branch_headers: { x: 1 } }],
    ['branch_headers["x-a"]', { branch_headers: { 'x-a': 'one\r\nx-b: two' } }],
    ['branch_headers["x a"]', { branch_headers: { 'x a': 'one' } }],
  ])('%s', async (field, wrong) => {
    const { status, json } = await server.dtm('submit', saga(wrong));
    expect({ status, field: json.field }).toEqual({ status: 400, field });
    expect(json.message).toContain(field.split(/[.[]/, 1)[0]);
    expect((await server.query('bad')).transaction).toBeNull();
  });

  it.each([
    ['steps', { steps: Array.from({ length: 4 }, () => ({ action: url })), payloads: ['', '', '', ''] }],
    ['payloads[0]', { payloads: ['x'.repeat(101)] }],
  ])('or a 413 when %s exceeds its limit', async (field, wrong) => {
    const { status, json } = await server.dtm('submit', saga(wrong));
    expect({ status, field: json.field }).toEqual({ status: 413, field });
  });

  it('reports that the URL of a gRPC branch has no port, or no http:// if that is meant', async () => {
    const reasonFor = async (action: string) => {
      const { json } = await server.dtm('submit', saga({ protocol: 'http', steps: [{ action }] }));
      return json.message;
    };
    expect(await reasonFor('bank/busi.Busi/TransIn')).toContain('must have a host and a port');
    expect(await reasonFor('bank:8080/pay/now')).toContain('write http:// in front');
  });
});

describe('an invalid branch is a 400 that names the field', () => {
  it.each([
    ['gid', { gid: '' }],
    ['branch_id', { branch_id: '' }],
    ['branch_id', { branch_id: 1 }],
    ['status', { status: 5 }],
    ['trans_type', { trans_type: 'saga' }],
    ['trans_type', { trans_type: '' }],
    ['confirm', { confirm: 'local://confirm' }],
    ['cancel', { cancel: 'nonsense' }],
    ['url', { trans_type: 'xa', url: 'nonsense' }],
    ['status', { trans_type: 'workflow', op: 'action' }],
    ['op', { trans_type: 'workflow', status: 'succeed' }],
  ])('%s', async (field, wrong) => {
    const { status, json } = await server.dtm('registerBranch', tcc(wrong));
    expect({ status, field: json.field }).toEqual({ status: 400, field });
  });
});

describe("other input of dtm's clients is accepted", () => {
  it.each([
    ['unknown fields', { subType: 'x', passthrough_headers: ['a'], nested: { deep: true } }],
    [
      'null for everything optional',
      {
        custom_data: null,
        query_prepared: null,
        protocol: null,
        branch_headers: null,
        req_extra: null,
        wait_result: null,
        concurrent: null,
        retry_limit: null,
      },
    ],
    ['empty texts', { custom_data: '', query_prepared: '', protocol: '', rollback_reason: '' }],
    ['more payloads than steps', { payloads: ['', '', ''] }],
    [
      'steps without a compensation, or with a null one',
      { steps: [{ action: '', compensate: null }, null], payloads: [null, ''] },
    ],
    ['no steps at all', { steps: null, payloads: null }],
    ['times that mean never', { timeout_to_fail: Number.MAX_SAFE_INTEGER }],
  ])('%s', async (name, fields) => {
    const response = await server.dtm('submit', saga({ gid: name, steps: [{ action: '' }], ...fields }));
    expect([response.status, response.text]).toEqual([200, '{"dtm_result":"SUCCESS"}']);
  });

  it('a key that occurs twice: the last one counts', async () => {
    const body = '{"gid":"first","subType":"a","subType":"b","gid":"twice","trans_type":"tcc"}';
    expect((await server.dtm('prepare', body)).status).toBe(200);
    expect((await server.query('twice')).transaction.gid).toBe('twice');
  });

  it('any content type, and a byte order mark', async () => {
    for (const [index, type] of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-8',
    ].entries()) {
      const body = `\ufeff{"gid":"type-${index}","trans_type":"tcc"}`;
      expect((await server.request('POST', '/api/dtmsvr/prepare', body, { 'content-type': type })).status).toBe(200);
    }
  });
});
