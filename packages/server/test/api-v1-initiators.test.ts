import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { problemDetails, transactionDetails, transactionReply, workflowProgress } from '@holdfast/protocol';
import { Participants } from '@holdfast/testing/participants';
import { type TestResponse, TestServer } from './support/running-server.ts';

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
  gid = `initiator-${++serial}`;
});

const create = (body: object, query = '') => server.post(`/api/v1/transactions${query}`, { gid, ...body });
const at = (verb: string, body?: unknown) => server.post(`/api/v1/transactions/${gid}/${verb}`, body);
const progress = async () => workflowProgress.parse((await server.get(`/api/v1/transactions/${gid}/progress`)).json);
const problem = ({ status, json }: TestResponse) => {
  const read = problemDetails.parse(json);
  expect(read.status).toBe(status);
  return read;
};
const workflow = (more: object = {}) => ({
  pattern: 'workflow',
  workflow: { name: 'transfer', input: { amount: 30 } },
  queryPrepared: shop.url('/resume'),
  ...more,
});
const tccBranch = (branchId: string, more: object = {}) => ({
  pattern: 'tcc',
  branchId,
  confirm: shop.url('/confirm'),
  cancel: shop.url('/cancel'),
  payload: { amount: 30 },
  ...more,
});
const recorded = (branchId: string, status: 'succeed' | 'failed', text: string) => ({
  pattern: 'workflow',
  branchId,
  op: 'action',
  status,
  data: Buffer.from(text).toString('base64'),
});
const callsOf = (name: string) =>
  shop.seen
    .filter(({ url }) => url.searchParams.get('gid') === name)
    .map(({ url, body }) => `${url.searchParams.get('branch_id')} ${url.pathname} ${body}`);

describe('a tcc', () => {
  it('is prepared, registers its branches, and confirms them newest first', async () => {
    expect(transactionReply.parse((await create({ pattern: 'tcc' })).json).status).toBe('prepared');
    for (const id of ['01', '02', '02']) expect((await at('branches', tccBranch(id))).status).toBe(204);
    expect(transactionReply.parse((await at('submit?waitMs=10000')).json).status).toBe('succeed');
    expect(callsOf(gid)).toEqual(['02 /confirm {"amount":30}', '01 /confirm {"amount":30}']);
  });

  it('is cancelled by its initiator, which can wait for the end', async () => {
    await create({ pattern: 'tcc', status: 'prepared' });
    await at('branches', tccBranch('01', { payload: undefined }));
    const { json } = await at('abort?waitMs=10000', { reason: 'try of 01: sold out', by: 'initiator' });
    expect(transactionDetails.parse(json)).toMatchObject({ status: 'failed', rollbackReason: 'try of 01: sold out' });
    expect(callsOf(gid)).toEqual(['01 /cancel ']);
    expect(problem(await at('branches', tccBranch('02')))).toMatchObject({
      code: 'refused',
      transactionStatus: 'failed',
    });
  });

  it('keeps a branch as it was registered first', async () => {
    await create({ pattern: 'tcc' });
    await at('branches', tccBranch('01'));
    for (const other of [{ payload: { amount: 31 } }, { confirm: shop.url('/other') }, { payload: undefined }])
      expect(problem(await at('branches', tccBranch('01', other)))).toMatchObject({
        code: 'refused',
        field: 'branchId',
      });
    await at('submit?waitMs=10000');
    expect(callsOf(gid)).toEqual(['01 /confirm {"amount":30}']);
  });

  it('rejects a branch of another pattern, which would never be called', async () => {
    await create({ pattern: 'tcc' });
    const wrong = { pattern: 'xa', branchId: '01', url: shop.url('/xa') };
    expect(problem(await at('branches', wrong))).toMatchObject({ code: 'wrong_pattern', field: 'pattern' });
    const step = problem(await at('branches', recorded('01', 'succeed', '')));
    expect(step).toMatchObject({ code: 'wrong_pattern', detail: expect.stringContaining('is a tcc, not a workflow') });
  });
});

describe('a submit that names the branches of its run', () => {
  it('confirms them, and aborts when another one is registered', async () => {
    await create({ pattern: 'tcc' });
    for (const id of ['01', '02', '0101']) await at('branches', tccBranch(id));
    const submitted = await at('submit?waitMs=10000', { branches: ['01'] });
    expect(transactionReply.parse(submitted.json)).toMatchObject({
      status: 'failed',
      rollbackReason: 'branch 02 is registered, but the run that submitted did not call it',
    });
    expect(callsOf(gid).map((call) => call.slice(0, 10))).toEqual(['0101 /canc', '02 /cancel', '01 /cancel']);
    expect(problem(await at('submit', { branches: ['01', '02'] }))).toMatchObject({ code: 'refused' });
  });

  it('confirms nested branches of the same or of an unknown run, and aborts when one is of another run', async () => {
    for (const [run, status] of [
      ['r1', 'succeed'],
      ['r2', 'failed'],
    ]) {
      gid = `${gid}-${run}`;
      await create({ pattern: 'tcc' });
      const nested = { ...tccBranch('0101'), digest: 'run:r1:agency' };
      for (const one of [tccBranch('01'), nested, nested, { ...tccBranch('0102'), digest: 'run::guide' }])
        expect((await at('branches', one)).status).toBe(204);
      for (const digest of ['run:r1:guide', 'run:r2:agency', undefined])
        expect(problem(await at('branches', { ...nested, digest }))).toMatchObject({
          code: 'refused',
          field: 'branchId',
          detail: expect.stringContaining('another digest'),
        });
      const submitted = await at('submit?waitMs=10000', { branches: ['01'], run });
      expect(submitted.json).toMatchObject({ status });
    }
    await create({ pattern: 'tcc' });
    for (const body of [{ run: 'r1' }, { branches: [], run: 'a:b' }])
      expect(problem(await at('submit', body))).toMatchObject({ code: 'invalid', field: 'run' });
  });

  it('is rejected for branches other than those submitted before, and succeeds for the same', async () => {
    await create({ pattern: 'tcc' });
    await at('branches', tccBranch('01'));
    const all = { branches: ['01'] };
    expect((await at('submit?waitMs=10000', all)).json.status).toBe('succeed');
    expect((await at('submit', all)).json.status).toBe('succeed');
    expect((await at('submit')).json.status).toBe('succeed');
    expect(problem(await at('submit', { branches: [] }))).toMatchObject({ code: 'refused', field: 'branches' });
  });

  it('may contain them only for a tcc or xa, and as strings', async () => {
    await create({ pattern: 'tcc' });
    for (const [body, field] of [
      [{ branches: '01' }, 'branches'],
      [{ branches: [1] }, 'branches[0]'],
      [{ branches: Array.from({ length: 1001 }, () => '01') }, 'branches'],
    ] as const)
      expect(problem(await at('submit', body))).toMatchObject({ code: 'invalid', field });
    expect(problem(await at('submit', { branch: '01' })).detail).toContain('"branch"');
    gid = `${gid}-msg`;
    await create({
      pattern: 'msg',
      status: 'prepared',
      steps: [{ action: shop.url('/a') }],
      queryPrepared: shop.url('/q'),
    });
    expect(problem(await at('submit', { branches: ['01'] }))).toMatchObject({ code: 'invalid', field: 'branches' });
    expect((await at('submit?waitMs=10000', {})).json.status).toBe('succeed');
  });
});

describe('an xa', () => {
  it('stores the digest of a branch: another digest is rejected, and so is a missing one', async () => {
    await create({ pattern: 'xa' });
    const one = { pattern: 'xa', branchId: '01', url: shop.url('/xa'), digest: 'abc' };
    expect((await at('branches', one)).status).toBe(204);
    expect((await at('branches', one)).status).toBe(204);
    for (const digest of ['abd', undefined])
      expect(problem(await at('branches', { ...one, digest }))).toMatchObject({
        code: 'refused',
        field: 'branchId',
        detail: expect.stringContaining('registered with other input (another digest) before'),
      });
    const byParticipant = { gid, trans_type: 'xa', branch_id: '01', url: one.url };
    expect((await server.dtm('registerBranch', byParticipant)).status).toBe(200);
    expect((await at('submit?waitMs=10000', { branches: ['01'] })).json.status).toBe('succeed');
    expect(callsOf(gid)).toEqual(['01 /xa ']);
  });

  it('commits its branches oldest first', async () => {
    await create({ pattern: 'xa' });
    for (const branchId of ['01', '02']) {
      const { status } = await at('branches', { pattern: 'xa', branchId, url: shop.url(`/xa-${branchId}`) });
      expect(status).toBe(204);
    }
    expect((await at('submit?waitMs=10000')).json.status).toBe('succeed');
    expect(callsOf(gid)).toEqual(['01 /xa-01 ', '02 /xa-02 ']);
  });
});

describe('a tcc that is force-stopped', () => {
  it('may have left the try of a branch whose registration was not completed', async () => {
    await create({ pattern: 'tcc' });
    const [confirm, cancel] = [shop.url('/confirm'), 'http://127.0.0.1:9/cancel'];
    await at('branches', { pattern: 'tcc', branchId: '01', confirm, cancel });
    // A joined part has registered its branch and called the try; its process died before the rest.
    await at('branches', { pattern: 'tcc', branchId: '0101', cancel });
    await at('abort', { reason: 'declined', by: 'initiator' });
    const { remainingEffects } = transactionDetails.parse((await at('stop', { reason: 'INC-43' })).json);
    expect(remainingEffects).toEqual([
      { branchId: '01', op: 'try', url: confirm, certain: false },
      { branchId: '0101', op: 'try', url: cancel, certain: false },
    ]);
  });
});

describe('a workflow', () => {
  it('may be started twice with the same input, records its steps, returns them and finishes', async () => {
    expect(transactionReply.parse((await create(workflow())).json).status).toBe('prepared');
    await at('branches', recorded('01', 'succeed', 'taken'));
    expect(transactionReply.parse((await create(workflow())).json).status).toBe('prepared');
    expect(await progress()).toEqual({
      gid,
      status: 'prepared',
      rollbackReason: '',
      stopped: '',
      result: '',
      heartbeatMs: 3_334,
      steps: [{ branchId: '01', op: 'action', status: 'succeed', data: Buffer.from('taken').toString('base64') }],
    });
    const end = { status: 'succeed', result: Buffer.from('"ok"').toString('base64') };
    expect(transactionReply.parse((await at('finish', end)).json).status).toBe('succeed');
    expect(transactionReply.parse((await at('finish', end)).json).status).toBe('succeed');
    expect(await progress()).toMatchObject({ status: 'succeed', result: end.result });
    expect(transactionReply.parse((await create(workflow())).json).status).toBe('succeed');
  });

  it('lists its recorded steps in the timeline, and the effects that remain once it is force-stopped', async () => {
    await create(workflow());
    await at('branches', recorded('debit', 'succeed', 'x'));
    await at('branches', recorded('credit', 'failed', 'x'));
    await at('branches', recorded('ship', 'succeed', 'x'));
    for (const begun of ['debit', 'mail'])
      expect((await at('branches', { ...recorded(begun, 'succeed', ''), op: 'start' })).status).toBe(204);
    await at('abort', { reason: 'declined', by: 'initiator' });
    await at('branches', { ...recorded('ship', 'succeed', ''), op: 'rollback' });
    const { json } = await at('stop', { reason: 'INC-42' });
    const details = transactionDetails.parse(json);
    const lines = details.timeline.map((line) =>
      line.kind === 'call'
        ? `${line.branchId} ${line.op} ${line.result}`
        : 'status' in line
          ? line.status
          : line.detail,
    );
    expect(lines).toEqual([
      'prepared',
      'debit action SUCCESS',
      'credit action FAILURE',
      'ship action SUCCESS',
      'mail start SUCCESS',
      'aborting',
      'ship rollback SUCCESS',
      'force-stop',
      'failed',
    ]);
    expect(details.remainingEffects).toEqual([
      { branchId: 'debit', op: 'action', url: '', certain: true },
      { branchId: 'mail', op: 'action', url: '', certain: false },
    ]);
    expect(await progress()).toMatchObject({ status: 'failed', stopped: 'INC-42' });
  });

  it('is found only under its name', async () => {
    await create(workflow());
    expect(problem(await create(workflow({ workflow: { name: 'other' } })))).toMatchObject({
      code: 'exists',
      field: 'workflow.name',
    });
    expect(problem(await create({ pattern: 'tcc' })).code).toBe('exists');
  });

  it('keeps the first outcome of a step', async () => {
    await create(workflow());
    await at('branches', recorded('01', 'failed', 'no'));
    expect((await at('branches', recorded('01', 'failed', 'no'))).status).toBe(204);
    expect(problem(await at('branches', recorded('01', 'failed', 'other words'))).code).toBe('refused');
    expect(problem(await at('branches', recorded('01', 'succeed', ''))).code).toBe('refused');
    expect((await progress()).steps).toMatchObject([{ status: 'failed', data: Buffer.from('no').toString('base64') }]);
  });

  it('aborted by its code is not called back while that code compensates; a retry by an operator calls it back at once', async () => {
    await create(workflow());
    await at('abort', { reason: 'declined', by: 'initiator' });
    const aborting = transactionDetails.parse((await server.get(`/api/v1/transactions/${gid}`)).json);
    expect(aborting).toMatchObject({ status: 'aborting', rollbackReason: 'declined' });
    expect(aborting.dueAtMs).toBeGreaterThan(aborting.updatedAtMs + 5_000);
    expect(problem(await at('finish', { status: 'succeed' }))).toMatchObject({ transactionStatus: 'aborting' });

    const calledBack = shop.seen.length + 1;
    await at('abort');
    await shop.called(calledBack);
    expect(callsOf(gid)).toEqual(['00 /resume {"amount":30}']);
    expect(shop.seen.at(-1)?.url.searchParams.get('op')).toBe('transfer');
    const { json } = await at('finish', { status: 'failed', reason: 'declined' });
    expect(transactionReply.parse(json)).toMatchObject({ status: 'failed', rollbackReason: 'declined' });
  });

  it('cannot be submitted, and other patterns have no recorded progress', async () => {
    await create(workflow());
    expect(problem(await at('submit')).code).toBe('refused');
    gid += '-tcc';
    await create({ pattern: 'tcc' });
    expect(problem(await server.get(`/api/v1/transactions/${gid}/progress`)).code).toBe('wrong_pattern');
    expect(problem(await at('finish', { status: 'failed' })).code).toBe('wrong_pattern');
  });
});

describe('contradictory input', () => {
  const step = { action: 'http://a/' };
  it.each([
    ['steps', { pattern: 'tcc', steps: [step] }],
    ['steps', { pattern: 'msg' }],
    ['status', { pattern: 'xa', status: 'submitted' }],
    ['status', { ...workflow0(), status: 'submitted' }],
    ['workflow', { pattern: 'workflow', queryPrepared: 'http://a/' }],
    ['workflow', { pattern: 'saga', steps: [step], workflow: { name: 'transfer' } }],
    ['queryPrepared', { pattern: 'tcc', queryPrepared: 'http://a/' }],
    ['queryPrepared', { ...workflow0(), queryPrepared: 'nonsense' }],
    ['concurrent', { pattern: 'tcc', concurrent: true }],
    ['retryLimit', { pattern: 'msg', steps: [step], retryLimit: 3 }],
    ['delayMs', { pattern: 'saga', steps: [step], delayMs: 3 }],
    ['steps[1].compensate', { pattern: 'msg', steps: [step, { ...step, compensate: 'http://a/undo' }] }],
  ])('is rejected with the field: %s', async (field, body) => {
    const read = problem(await create(body));
    expect(read).toMatchObject({ status: 400, code: 'invalid', field, gid });
    expect(read.detail).toContain(field);
  });

  it.each([
    ['branchId', { pattern: 'xa', branchId: '', url: 'http://a/' }],
    ['branchId', { pattern: 'tcc', branchId: 'a\0', confirm: '', cancel: '' }],
    ['confirm', { pattern: 'tcc', branchId: '01', confirm: 'local://a', cancel: '' }],
    ['url', { pattern: 'xa', branchId: '01', url: 'nonsense' }],
    ['status', { pattern: 'workflow', branchId: '01', op: 'action', status: 'prepared' }],
    ['data', { pattern: 'workflow', branchId: '01', op: 'action', status: 'failed', data: '%' }],
    ['pattern', { pattern: 'saga', branchId: '01' }],
  ])('is rejected in a branch, too: %s', async (field, body) => {
    await create(body.pattern === 'workflow' ? workflow() : { pattern: body.pattern === 'xa' ? 'xa' : 'tcc' });
    expect(problem(await at('branches', body))).toMatchObject({ code: 'invalid', field });
  });

  it('is rejected when it is too large, too', async () => {
    await create({ pattern: 'tcc' });
    const large = 'x'.repeat(1024 * 1024);
    expect(problem(await at('branches', tccBranch('01', { payload: large })))).toMatchObject({
      status: 413,
      code: 'too_large',
      field: 'payload',
      detail: expect.stringContaining('payload'),
    });
  });

  it('is rejected in the end of a workflow and in an operator command, too', async () => {
    await create(workflow());
    expect(problem(await at('finish', { status: 'succeed', reason: 'x' })).field).toBe('reason');
    expect(problem(await at('abort', { by: 'somebody' })).field).toBe('by');
  });

  it('an unknown gid is not found', async () => {
    for (const response of [
      await at('branches', tccBranch('01')),
      await at('finish', { status: 'failed' }),
      await server.get(`/api/v1/transactions/${gid}/progress`),
    ])
      expect(problem(response)).toMatchObject({ status: 404, code: 'not_found', gid });
  });
});

/** Before the participants have an address. */
function workflow0(): object {
  return { pattern: 'workflow', workflow: { name: 'transfer' } };
}
