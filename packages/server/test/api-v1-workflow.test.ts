import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { problemDetails, transactionDetails, transactionReply, workflowProgress } from '@holdfast/protocol';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './support/running-server.ts';

let server: TestServer;
let client: Participants;
let gid = '';
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start();
  client = await Participants.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
});
beforeEach(async () => {
  gid = `workflow-${++serial}`;
  const workflow = { name: 'transfer', input: null };
  await server.post('/api/v1/transactions', { gid, pattern: 'workflow', workflow, queryPrepared: client.url('/back') });
});

const at = (verb: string, body?: unknown) => server.post(`/api/v1/transactions/${gid}/${verb}`, body);
const record = (branchId: string, op: string, data = '') =>
  at('branches', { pattern: 'workflow', branchId, op, status: 'succeed', data: Buffer.from(data).toString('base64') });
const steps = async () =>
  workflowProgress
    .parse((await server.get(`/api/v1/transactions/${gid}/progress`)).json)
    .steps.map(({ branchId, op, data }) => `${branchId} ${op} ${Buffer.from(data, 'base64').toString()}`);

describe('the result of a workflow step', () => {
  it('is recorded once: a different second record is rejected, and the first is kept', async () => {
    expect((await record('draw', 'action', '7')).status).toBe(204);
    expect((await record('draw', 'action', '7')).status).toBe(204);
    const refused = await record('draw', 'action', '8');
    expect(refused.status).toBe(409);
    expect(problemDetails.parse(refused.json).code).toBe('refused');
    expect(await steps()).toEqual(['draw action 7']);
  });
});

describe('after the decision to abort', () => {
  it('no step can be recorded as done or committed, only as rolled back', async () => {
    await record('debit', 'action');
    await at('abort', { reason: 'enough', by: 'initiator' });
    for (const op of ['action', 'commit']) {
      const refused = await record('late', op);
      expect(problemDetails.parse(refused.json)).toMatchObject({ code: 'refused', transactionStatus: 'aborting' });
    }
    expect((await record('debit', 'action')).status).toBe(204);
    expect((await record('debit', 'rollback')).status).toBe(204);
    expect(await steps()).toEqual(['debit action ', 'debit rollback ']);
  });
});

describe('after the first commit', () => {
  it('a workflow can neither be aborted by any caller nor end as failed (WF5)', async () => {
    await record('00', 'commit');
    for (const by of ['initiator', 'operator']) {
      const refused = await at('abort', { reason: 'enough', by });
      expect(problemDetails.parse(refused.json)).toMatchObject({ code: 'refused', transactionStatus: 'prepared' });
    }
    expect((await at('finish', { status: 'failed', reason: 'enough' })).status).toBe(409);
    expect(transactionReply.parse((await at('finish', { status: 'succeed' })).json).status).toBe('succeed');
  });
});

describe('a workflow that its code parks (WF6)', () => {
  it('is resumed only when an operator retries it', async () => {
    const parked = transactionReply.parse((await at('park', { reason: 'recorded by version 1' })).json);
    expect(parked).toMatchObject({
      status: 'prepared',
      parked: 'recorded by version 1',
      attention: true,
      dueAtMs: null,
      owner: null,
    });
    const before = client.seen.length;
    await at('retry');
    await expect.poll(() => client.seen.slice(before).map(({ url }) => url.searchParams.get('gid'))).toContain(gid);
  });

  it('does not delay the response to a request that would start it again', async () => {
    await at('park', { reason: 'recorded by version 1' });
    const workflow = { name: 'transfer', input: null };
    const again = { gid, pattern: 'workflow', workflow, queryPrepared: client.url('/back') };
    // Longer than this test may take.
    const reply = await server.post('/api/v1/transactions?waitMs=600000', again);
    expect(transactionReply.parse(reply.json)).toMatchObject({ status: 'prepared', parked: 'recorded by version 1' });
  }, 20_000);

  it('needs a reason, and is not finished', async () => {
    expect(problemDetails.parse((await at('park', {})).json)).toMatchObject({ code: 'invalid', field: 'reason' });
    await at('finish', { status: 'succeed' });
    expect(problemDetails.parse((await at('park', { reason: 'x' })).json)).toMatchObject({
      code: 'refused',
      transactionStatus: 'succeed',
    });
  });

  it('cannot have another pattern', async () => {
    await server.post('/api/v1/transactions', { gid: `${gid}-tcc`, pattern: 'tcc' });
    const refused = await server.post(`/api/v1/transactions/${gid}-tcc/park`, { reason: 'x' });
    expect([refused.status, refused.json.code]).toEqual([409, 'wrong_pattern']);
  });
});

describe('a workflow whose code sends heartbeats (WF8)', () => {
  it('receives their interval: a third of the interval after which it is called back', async () => {
    const created = {
      gid: `${gid}-own`,
      pattern: 'workflow',
      workflow: { name: 'w' },
      queryPrepared: 'http://127.0.0.1:1/',
    };
    const reply = await server.post('/api/v1/transactions', { ...created, retryIntervalMs: 30_000 });
    expect(transactionReply.parse(reply.json).heartbeatMs).toBe(10_000);
    const progress = await server.get(`/api/v1/transactions/${gid}-own/progress`);
    expect(workflowProgress.parse(progress.json).heartbeatMs).toBe(10_000);
  });

  it('is due one interval after each heartbeat', async () => {
    const dueAtMs = async () =>
      transactionDetails.parse((await server.get(`/api/v1/transactions/${gid}`)).json).dueAtMs;
    const before = (await dueAtMs()) ?? Infinity;
    expect((await at('heartbeat')).status).toBe(204);
    expect(await dueAtMs()).toBeGreaterThan(before);
  });

  it('must exist and be unfinished', async () => {
    await at('finish', { status: 'succeed' });
    expect(problemDetails.parse((await at('heartbeat')).json)).toMatchObject({
      code: 'refused',
      gid,
      transactionStatus: 'succeed',
    });
    const unknown = await server.post('/api/v1/transactions/unknown/heartbeat');
    expect(problemDetails.parse(unknown.json)).toMatchObject({ code: 'not_found', gid: 'unknown' });
    await server.post('/api/v1/transactions', { gid: `${gid}-tcc`, pattern: 'tcc' });
    expect((await server.post(`/api/v1/transactions/${gid}-tcc/heartbeat`)).status).toBe(409);
  });
});
