import { type Authenticator, type Credentials, ChainCheck } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { StoreError } from '@holdfast/core/store';
import { type RunningServer, startServer } from '@holdfast/server';
import { HoldfastError, type Principal, type Role, ROLES } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The token is the name of a role. */
class ByRole implements Authenticator {
  authenticate({ authorization = '' }: Credentials): Principal {
    const role = authorization.replace('Bearer ', '') as Role;
    if (!ROLES.includes(role)) throw new HoldfastError('unauthenticated', 'who?');
    return { id: `the ${role}`, roles: [role] };
  }
}

interface Entry {
  readonly sequence: number;
  readonly kind: string;
  readonly operation: string;
  readonly [field: string]: unknown;
}

let store: MemoryStore;
let server: RunningServer;

const start = (config: object = {}) => startServer({ httpPort: 0, ...config }, { store, authenticator: new ByRole() });

beforeEach(async () => {
  store = new MemoryStore(Date.now, () => performance.now());
  server = await start();
});
afterEach(() => server.close());

async function send(role: string, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${role}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** A message that stays prepared. */
async function prepare(gid: string): Promise<void> {
  const response = await send('submitter', 'POST', '/api/dtmsvr/prepare', {
    gid,
    trans_type: 'msg',
    steps: [{ action: 'http://shop.example/pay' }],
    payloads: ['"hush-payload"'],
    query_prepared: 'http://shop.example/query',
    branch_headers: { authorization: 'hush-header' },
  });
  expect(response.status).toBe(200);
}

/** Without the entry about the settings, which every log begins with. */
async function entries(query = ''): Promise<Entry[]> {
  return (await allEntries(query)).filter(({ operation }) => operation !== 'settings');
}

async function allEntries(query = ''): Promise<Entry[]> {
  const response = await send('admin', 'GET', `/api/v1/audit?order=oldest${query}`);
  expect(response.status).toBe(200);
  const { items } = (await response.json()) as { items: { line: string }[] };
  return items.map(({ line }) => JSON.parse(line) as Entry);
}

describe('the audit log of a server', () => {
  it('has who, what, when, from where, why, before and after of an operator action', async () => {
    await prepare('g1');
    const stopped = await send('operator', 'POST', '/api/v1/transactions/g1/stop', { reason: 'paid by hand' });
    expect(stopped.status).toBe(200);
    const action = {
      operation: 'stopTransaction',
      principal: 'the operator',
      roles: ['operator'],
      from: '127.0.0.1',
      namespace: 'default',
      on: { gid: 'g1' },
      reason: 'paid by hand',
    };
    expect(await entries()).toMatchObject([
      { sequence: 2, kind: 'begun', ...action, before: { status: 'prepared' } },
      { sequence: 3, kind: 'result', begun: 2, ...action, result: 'ok', after: { status: 'failed' } },
    ]);
  });

  it('has failed actions with the code of their error, and none of an invalid input', async () => {
    expect((await send('operator', 'POST', '/api/v1/transactions/none/retry')).status).toBe(404);
    expect((await send('operator', 'POST', '/api/v1/transactions/none/stop', { reason: 7 })).status).toBe(400);
    expect(await entries()).toMatchObject([
      { kind: 'begun', before: { exists: false } },
      { kind: 'result', result: 'not_found' },
    ]);
  });

  it('has changes of topics without the secrets of their URLs', async () => {
    const url = 'http://user:hush-password@shop.example/a?token=hush-token';
    const added = await send('submitter', 'PUT', '/api/v1/topics/t/subscribers', {
      url,
      remark: 'password=hush-remark',
    });
    expect(added.status).toBe(204);
    const found = await entries('&operation=subscribe');
    expect(found).toMatchObject([
      { kind: 'begun', on: { topic: 't' }, before: { exists: false } },
      { kind: 'result', on: { topic: 't' }, after: { count: 1, version: 1 } },
    ]);
    expect(JSON.stringify(found)).not.toContain('hush');
  });

  it('has no entry of an abort by the code that runs the transaction, nor of reads', async () => {
    await prepare('g1');
    await send('submitter', 'POST', '/api/v1/transactions/g1/abort', { by: 'initiator', reason: 'no stock' });
    await send('viewer', 'GET', '/api/v1/transactions/g1');
    expect(await entries()).toEqual([]);
  });

  it('has no payload and no header of a transaction', async () => {
    await prepare('g1');
    await send('operator', 'POST', '/api/v1/transactions/g1/abort', { reason: 'Authorization: Bearer hush-bearer' });
    const found = await entries();
    expect(found).toHaveLength(2);
    expect(JSON.stringify(found)).not.toContain('hush');
  });

  it('has denied attempts, at a limited rate with the number left out', async () => {
    for (let n = 0; n < 33; n++)
      expect((await send('viewer', 'POST', '/api/v1/transactions/g1/stop')).status).toBe(403);
    expect((await send('nobody', 'POST', '/api/v1/transactions/g1/stop')).status).toBe(401);
    await expect.poll(async () => (await entries()).length).toBe(30);
    const [first] = await entries();
    expect(first).toMatchObject({ kind: 'denied', principal: 'the viewer', result: 'forbidden', on: { gid: 'g1' } });
  });

  it('is read by administrators only', async () => {
    for (const role of ['viewer', 'submitter', 'operator'])
      expect((await send(role, 'GET', '/api/v1/audit')).status).toBe(403);
    expect((await send('nobody', 'GET', '/api/v1/audit')).status).toBe(401);
  });

  it('is required: an action that cannot be recorded is rejected and not carried out', async () => {
    await prepare('g1');
    const { kvPut } = store;
    Object.assign(store, { kvPut: () => Promise.reject(new StoreError('unavailable', 'the disk is full')) });
    const response = await send('operator', 'POST', '/api/v1/transactions/g1/stop');
    const problem = (await response.json()) as { detail: string };
    expect([response.status, problem.detail]).toEqual([
      503,
      expect.stringMatching(/audit log cannot be written.*disk is full.*the action was not carried out/),
    ]);
    Object.assign(store, { kvPut });
    const shown = await send('operator', 'GET', '/api/v1/transactions/g1');
    expect(await shown.json()).toMatchObject({ status: 'prepared' });
  });

  it('keeps the result of an action that could not be recorded out of the response', async () => {
    await prepare('g1');
    const { kvPut } = store;
    let puts = 0;
    Object.assign(store, {
      kvPut: (...args: Parameters<typeof kvPut>) =>
        puts++ === 0 ? kvPut(...args) : Promise.reject(new StoreError('unavailable', 'away')),
    });
    expect((await send('operator', 'POST', '/api/v1/transactions/g1/stop')).status).toBe(200);
    Object.assign(store, { kvPut });
    const check = new ChainCheck();
    const response = await send('admin', 'GET', '/api/v1/audit?order=oldest');
    for (const { line } of ((await response.json()) as { items: { line: string }[] }).items) check.add(line);
    expect(check.end()).toMatchObject({ fault: undefined, withoutResult: [2] });
  });

  it('has actions of dtm clients', async () => {
    await prepare('g1');
    const stopped = await send('operator', 'POST', '/api/dtmsvr/forceStop', { gid: 'g1' });
    expect(stopped.status).toBe(200);
    expect(await entries()).toMatchObject([
      { operation: 'dtm.forceStop', on: { gid: 'g1' } },
      { operation: 'dtm.forceStop', result: 'ok', after: { status: 'failed' } },
    ]);
  });
});

describe('a server without authentication', () => {
  it('keeps no audit log unless --audit is on', async () => {
    await using off = await running({});
    await fetch(`${off.url}/api/v1/transactions/g/retry`, { method: 'POST' });
    const refused = await fetch(`${off.url}/api/v1/audit`);
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('--audit on')]);
    await using on = await running({ audit: 'on' as const });
    await fetch(`${on.url}/api/v1/transactions/g/retry`, { method: 'POST' });
    const { items } = (await (await fetch(`${on.url}/api/v1/audit`)).json()) as { items: { line: string }[] };
    expect(items.map(({ line }) => (JSON.parse(line) as Entry)['principal'])).toEqual([
      'anonymous',
      'anonymous',
      expect.stringContaining('node:'),
    ]);
  });
});

async function running(config: object) {
  const started = await startServer({ store: 'memory:', httpPort: 0, ...config });
  return { url: started.url, [Symbol.asyncDispose]: () => started.close() };
}
