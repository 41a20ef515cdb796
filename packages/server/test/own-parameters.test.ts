import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let shop: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  shop = await Participants.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
beforeEach(() => {
  gid = `own-${++serial}`;
  shop.seen.length = 0;
});

const saga = (action: string, compensate = '') => ({
  gid,
  trans_type: 'saga',
  steps: [{ action, compensate }],
  payloads: ['{}'],
  wait_result: true,
});

describe("a URL that has the coordinator's own parameters", () => {
  it.each(['gid=42', 'op=refund', 'branch_id=07', 'trans_type=tcc', '%67id=42', 'x=1&GID=42', 'gid=42&gid=own-6'])(
    'is rejected with the name of its field: %s',
    async (query) => {
      const url = `${shop.url('/debit')}?${query}`;
      const faults = [
        [await server.dtm('submit', saga(url)), 'steps[0].action'],
        [await server.dtm('submit', saga(shop.url('/debit'), url)), 'steps[0].compensate'],
        [
          await server.dtm('prepare', { ...saga(shop.url('/a')), trans_type: 'msg', query_prepared: url }),
          'query_prepared',
        ],
        [await server.get(`/api/dtmsvr/subscribe?topic=t&url=${encodeURIComponent(url)}`), 'url'],
        [await server.post('/api/v1/transactions', { pattern: 'saga', steps: [{ action: url }] }), 'steps[0].action'],
        [
          await server.post('/api/v1/transactions', {
            pattern: 'workflow',
            workflow: { name: 'w' },
            queryPrepared: url,
          }),
          'queryPrepared',
        ],
      ] as const;
      for (const [response, field] of faults) {
        expect([response.status, response.json.code, response.json.field]).toEqual([400, 'invalid', field]);
        expect(response.text).toContain('the coordinator adds these to each call');
      }
      for (const [pattern, field] of [
        ['tcc', 'cancel'],
        ['xa', 'url'],
      ]) {
        await server.dtm('prepare', { gid: `${gid}-${pattern}`, trans_type: pattern });
        const branch = {
          gid: `${gid}-${pattern}`,
          trans_type: pattern,
          branch_id: '01',
          url,
          cancel: url,
          confirm: url,
        };
        const response = await server.dtm('registerBranch', branch);
        expect([response.status, response.json.field]).toEqual([400, field]);
      }
      expect(shop.seen).toEqual([]);
    },
  );

  it('is accepted when their values equal those of the coordinator', async () => {
    const url = `${shop.url('/debit')}?gid=${gid}&trans_type=saga&shop=7`;
    expect((await server.dtm('submit', saga(url))).status).toBe(200);
    expect(shop.seen[0]?.url.searchParams.getAll('gid')).toEqual([gid, gid]);
  });
});
