import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { always, Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
  shop.respond('/broken', always(500));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `op-${++serial}`;
});

const submit = (path: string, fields = {}) =>
  server.dtm('submit', {
    gid,
    trans_type: 'saga',
    steps: [{ action: shop.url(path), compensate: '' }],
    payloads: ['{}'],
    wait_result: true,
    ...fields,
  });

describe('newGid', () => {
  it('responds with strings only, and a new gid each time', async () => {
    const responses = await Promise.all([1, 2, 3].map(() => server.get('/api/dtmsvr/newGid')));
    for (const { status, json, headers } of responses) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json');
      expect(json).toEqual({ gid: expect.stringMatching(/^[0-9a-z]{26}$/) as string, dtm_result: 'SUCCESS' });
    }
    expect(new Set(responses.map(({ json }) => json.gid)).size).toBe(3);
  });
});

describe('version', () => {
  it('is returned', async () => {
    expect((await server.get('/api/dtmsvr/version')).json).toEqual({
      version: expect.stringMatching(/^\d+\.\d+/) as string,
    });
  });
});

describe('forceStop', () => {
  it('makes an unfinished transaction failed for good', async () => {
    await submit('/broken');
    expect((await server.dtm('forceStop', { gid })).json).toEqual({ dtm_result: 'SUCCESS' });
    expect((await server.query(gid)).transaction.status).toBe('failed');
    const again = await server.dtm('forceStop', { gid });
    expect([again.status, again.json.dtm_result]).toEqual([409, 'FAILURE']);
  });
});

describe('resetNextCronTime', () => {
  it('drives one transaction again at once', async () => {
    shop.respond('/healing', always(500));
    await submit('/healing');
    shop.respond('/healing', always(200));
    const before = shop.seen.length;
    expect((await server.dtm('resetNextCronTime', { gid })).status).toBe(200);
    await shop.called(before + 1);
    expect(shop.seen.at(-1)?.url.searchParams.get('gid')).toBe(gid);
  });
});

describe.each(['abort', 'forceStop', 'resetNextCronTime'])('%s', (call) => {
  it('of an unknown gid is an error that names the gid', async () => {
    const response = await server.dtm(call, { gid: 'nobody', trans_type: 'tcc' });
    expect(response.status).toBe(404);
    expect(response.json.message).toContain('nobody');
  });

  it('without a gid names the field', async () => {
    for (const body of [{}, { gid: null }, { gid: '' }]) {
      const response = await server.dtm(call, body);
      expect([response.status, response.json.field]).toEqual([400, 'gid']);
    }
  });
});

describe('registerBranch', () => {
  it('to an unknown gid is a FAILURE that names it', async () => {
    const branch = { gid: 'nobody', trans_type: 'tcc', branch_id: '01', confirm: shop.url('/a') };
    const response = await server.dtm('registerBranch', branch);
    expect([response.status, response.json.dtm_result]).toEqual([409, 'FAILURE']);
    expect(response.json.message).toContain('nobody');
  });
});

describe.each(['GET', 'POST'])('resetCronTime by %s', (method) => {
  it('makes a bounded number of transactions due whose wait is longer than its timeout', async () => {
    await using own = await TestServer.start();
    shop.respond('/later', always(500));
    for (const name of ['a', 'b', 'c']) {
      const steps = [{ action: shop.url('/later') }];
      await own.dtm('submit', {
        gid: name,
        trans_type: 'msg',
        steps,
        payloads: [''],
        wait_result: true,
        retry_interval: 3600,
      });
    }
    const reset = async (query: string) => (await own.request(method, `/api/dtmsvr/resetCronTime${query}`)).json;
    expect(await reset('?timeout=7200')).toEqual({ succeed_count: 0, has_remaining: false });
    const before = shop.seen.length;
    expect(await reset('?timeout=60&limit=2')).toEqual({ succeed_count: 2, has_remaining: true });
    await shop.called(before + 2);
  });

  it('rejects a time that is not a number', async () => {
    const response = await server.request(method, '/api/dtmsvr/resetCronTime?timeout=soon');
    expect([response.status, response.json.field]).toEqual([400, 'timeout']);
  });
});

describe('query', () => {
  it("shows the transaction and its branches in dtm's order, with empty fields left out", async () => {
    await submit('/ok', {
      steps: [
        { action: shop.url('/ok'), compensate: shop.url('/undo') },
        { action: shop.url('/ok'), compensate: '' },
      ],
      payloads: ['{"a":1}', ''],
      retry_interval: 5,
      branch_headers: { 'x-tenant': 'acme' },
    });
    const { transaction, branches } = await server.query(gid);
    expect(transaction).toMatchObject({
      gid,
      trans_type: 'saga',
      status: 'succeed',
      protocol: 'http',
      steps: [{ action: shop.url('/ok'), compensate: shop.url('/undo') }, { action: shop.url('/ok') }],
      payloads: ['{"a":1}', ''],
      wait_result: true,
      retry_interval: 5,
      branch_headers: { 'x-tenant': 'acme' },
    });
    for (const time of [transaction.create_time, transaction.update_time, transaction.finish_time ?? ''])
      expect(new Date(time).toISOString()).toBe(time);
    for (const empty of [
      'rollback_reason',
      'rollback_time',
      'query_prepared',
      'custom_data',
      'concurrent',
      'owner',
      'next_cron_time',
    ])
      expect(transaction).not.toHaveProperty(empty);
    expect(JSON.parse(transaction.options ?? '')).toMatchObject({ wait_result: true, retry_interval: 5 });
    expect(branches.map(({ branch_id, op, status }) => `${branch_id} ${op} ${status}`)).toEqual([
      '01 compensate prepared',
      '01 action succeed',
      '02 compensate prepared',
      '02 action succeed',
    ]);
    expect(branches[1]).toMatchObject({
      gid,
      url: shop.url('/ok'),
      bin_data: Buffer.from('{"a":1}').toString('base64'),
    });
    expect(branches[2]).not.toHaveProperty('url');
  });

  it('of an unknown gid has no transaction, and without one is an error', async () => {
    expect(await server.query('nobody')).toEqual({ transaction: null, branches: [] });
    expect((await server.get('/api/dtmsvr/query')).status).toBe(400);
  });
});

describe('all', () => {
  it('lists newest first, in pages, by its filters', async () => {
    await using own = await TestServer.start();
    const gids = Array.from({ length: 5 }, (_, index) => `list-${index}`);
    for (const name of gids) await own.dtm('prepare', { gid: name, trans_type: 'tcc' });
    await own.dtm('abort', { gid: 'list-0', trans_type: 'tcc' });
    const page = async (query: string) => {
      const { json } = await own.get(`/api/dtmsvr/all?${query}`);
      return { gids: json.transactions.map((one) => one.gid), next: json.next_position };
    };
    const first = await page('limit=3');
    expect(first.gids).toHaveLength(3);
    const second = await page(`limit=3&position=${encodeURIComponent(first.next)}`);
    expect(new Set([...first.gids, ...second.gids])).toEqual(new Set(gids));
    expect(second.next).toBe('');
    for (const limit of ['', 'limit=0', 'limit=999999999']) expect((await page(limit)).gids).toHaveLength(5);
    expect((await page('gid=list-3')).gids).toEqual(['list-3']);
    expect((await page('status=prepared')).gids).toHaveLength(4);
    expect((await page('transType=saga')).gids).toEqual([]);
    expect((await page(`createTimeStart=${Date.now() + 60_000}`)).gids).toEqual([]);
    expect((await page(`createTimeEnd=${Date.now() + 60_000}&createTimeStart=0`)).gids).toHaveLength(5);
  });

  it.each(['limit=many', 'limit=-1', 'status=lost', 'transType=none', 'createTimeStart=yesterday', 'position=%00'])(
    'rejects %s, and names the parameter',
    async (query) => {
      const { status, json } = await server.get(`/api/dtmsvr/all?${query}`);
      expect([status, json]).toMatchObject([400, { code: 'invalid', field: query.split('=')[0] }]);
    },
  );
});

describe('topics', () => {
  const at = (call: string, params: Record<string, string>) =>
    `/api/dtmsvr/${call}?${new URLSearchParams(params).toString()}`;

  it.each(['GET', 'POST'])('are subscribed and unsubscribed by %s, and a message fans out to them', async (method) => {
    const topic = `${method}-orders`;
    for (const path of ['/mail', '/stock'])
      expect(
        (await server.request(method, at('subscribe', { topic, url: shop.url(path), remark: path }))).json,
      ).toEqual({
        dtm_result: 'SUCCESS',
      });
    const { kv } = (await server.get(at('queryKV', { cat: 'topics', key: topic }))).json;
    expect(kv).toMatchObject([{ cat: 'topics', k: topic, version: 2 }]);
    expect(JSON.parse(kv[0]?.v ?? '')).toEqual([
      { url: shop.url('/mail'), remark: '/mail' },
      { url: shop.url('/stock'), remark: '/stock' },
    ]);
    const message = {
      gid,
      trans_type: 'msg',
      steps: [{ action: `topic://${topic}` }],
      payloads: ['{}'],
      wait_result: true,
    };
    expect((await server.dtm('submit', message)).status).toBe(200);
    expect(shop.calls.slice(-2)).toEqual(['01-01 action /mail', '01-02 action /stock']);
    expect((await server.request(method, at('unsubscribe', { topic, url: shop.url('/mail') }))).status).toBe(200);
    expect((await server.request(method, at('unsubscribe', { topic, url: shop.url('/mail') }))).status).toBe(404);
    expect((await server.request('DELETE', `/api/dtmsvr/topic/${topic}`)).json).toEqual({ dtm_result: 'SUCCESS' });
    expect((await server.request('DELETE', `/api/dtmsvr/topic/${topic}`)).status).toBe(404);
    expect((await server.get(at('queryKV', { cat: 'topics', key: topic }))).json).toEqual({ kv: [] });
  });

  it('without a name or URL, and with a URL twice, are rejected', async () => {
    const url = shop.url('/mail');
    expect((await server.get(at('subscribe', { topic: '', url }))).json.field).toBe('topic');
    expect((await server.get(at('subscribe', { topic: 't', url: '' }))).json.field).toBe('url');
    expect((await server.get(at('subscribe', { topic: 't', url: 'local://x' }))).json.field).toBe('url');
    await server.get(at('subscribe', { topic: 't', url }));
    expect((await server.get(at('subscribe', { topic: 't', url }))).status).toBe(409);
  });

  it('are listed in pages', async () => {
    await using own = await TestServer.start();
    for (const topic of ['a', 'b', 'c']) await own.get(at('subscribe', { topic, url: shop.url('/x') }));
    const first = (await own.get(at('scanKV', { cat: 'topics', limit: '2' }))).json;
    const second = (await own.get(at('scanKV', { cat: 'topics', limit: '2', position: first.next_position }))).json;
    expect([...first.kv, ...second.kv].map(({ k }) => k)).toEqual(['a', 'b', 'c']);
    expect(second.next_position).toBe('');
  });

  it('without subscribers are rejected at prepare and at submit', async () => {
    const message = { gid, trans_type: 'msg', steps: [{ action: 'topic://nobody' }], payloads: ['{}'] };
    for (const call of ['prepare', 'submit']) {
      const response = await server.dtm(call, message);
      expect([response.status, response.json.field]).toEqual([400, 'steps[0].action']);
    }
  });
});
