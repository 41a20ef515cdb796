import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Authenticator } from '@holdfast/api';
import { type CallerLimits, HoldfastError, type Principal } from '@holdfast/protocol';
import { type ServerConfig, startServer } from '@holdfast/server';
import { TestClient } from '@holdfast/testing/test-server';
import { GrpcClient } from '../support/grpc-client.ts';
import { bearer, GuardedServer } from './support.ts';

/** The caller `Bearer NAME` is the principal NAME, with these limits. */
const byName = (limits: CallerLimits): Authenticator => ({
  authenticate({ authorization }): Principal {
    const [, id] = /^Bearer (\w+)$/.exec(authorization ?? '') ?? [];
    if (id === undefined) throw new HoldfastError('unauthenticated', 'who are you?');
    return { id, roles: ['admin'], limits };
  },
});

/** A rate at which no request is admitted during a test, beyond those of the burst. */
const SLOW = 0.001;

const retryAfterMs = ({ text }: { readonly text: string }): number =>
  (JSON.parse(text) as { retryAfterMs: number }).retryAfterMs;

const READERS = [
  { requestReader: 'own', grpcServer: 'own' },
  { requestReader: 'node', grpcServer: 'grpc-js' },
] as const satisfies readonly Partial<ServerConfig>[];

describe.each(READERS)('limits of principals ($requestReader, $grpcServer)', (readers) => {
  const started = async (limits: CallerLimits) => {
    const config = { store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, ...readers };
    const server = await startServer(config, { authenticator: byName(limits) });
    const client = new TestClient(server.url);
    const dtm = new GrpcClient(server.grpcAddress);
    const v1 = new GrpcClient(server.grpcAddress, 'holdfast');
    return {
      server,
      client,
      post: (path: string, body: unknown, name = 'ann') => client.request('POST', path, body, bearer(name)),
      get: (path: string, name = 'ann') => client.request('GET', path, undefined, bearer(name)),
      dtm: (method: string, request: object = {}, name = 'ann') =>
        dtm.call(method, request, { metadata: bearer(name) }),
      v1: (method: string, request: object = {}, name = 'ann') => v1.call(method, request, { metadata: bearer(name) }),
      [Symbol.asyncDispose]: async () => {
        dtm[Symbol.dispose]();
        v1[Symbol.dispose]();
        await server.close();
      },
    };
  };
  type At = Awaited<ReturnType<typeof started>>;

  /** Uses up what `ann` may send; the next requests are rejected. */
  const useUp = async ({ get }: At): Promise<void> => {
    for (let sent = 0; sent < 50; sent++) if ((await get('/api/dtmsvr/newGid')).status === 429) return;
    throw new Error('no request was rejected');
  };

  describe('for requests', () => {
    const RETRY = expect.stringMatching(/^(9\d\d|1000)$/) as string;
    const RATE = { requestsPerSecond: SLOW, burst: 5 };

    it('reject with 429, Retry-After and the text of each API', async () => {
      await using at = await started(RATE);
      await useUp(at);
      const dtm = await at.get('/api/dtmsvr/newGid');
      expect([dtm.status, dtm.headers.get('retry-after')]).toEqual([429, RETRY]);
      expect(dtm.json).toMatchObject({
        code: 'too_many_requests',
        message: expect.stringContaining('requests per second to this node'),
      });
      const workflow = await at.post('/api/dtmsvr/prepareWorkflow', { gid: 'w', trans_type: 'workflow' });
      expect([workflow.status, workflow.headers.get('retry-after')]).toEqual([429, RETRY]);
      expect(workflow.json).toMatchObject({ transaction: { gid: '' }, code: 'too_many_requests' });
      const rpc = await at.post('/api/json-rpc', { jsonrpc: '2.0', id: 1, method: 'newGid', params: {} });
      expect([rpc.status, rpc.headers.get('retry-after')]).toEqual([429, RETRY]);
      expect(rpc.json).toMatchObject({ id: null, error: { message: expect.stringContaining('repeat the request') } });
      const v1 = await at.get('/api/v1/transactions');
      expect([v1.status, v1.headers.get('retry-after')]).toEqual([429, RETRY]);
      expect(v1.json).toMatchObject({ code: 'too_many_requests', status: 429 });
      expect(retryAfterMs(v1)).toBeGreaterThan(900_000);
      for (const path of ['/api/metrics', '/openapi.json', '/none']) expect((await at.get(path)).status).toBe(429);
    });

    it('reject with RESOURCE_EXHAUSTED and the time to wait over gRPC', async () => {
      await using at = await started(RATE);
      await useUp(at);
      for (const response of [await at.dtm('NewGid'), await at.v1('GetStatus')]) {
        expect(response).toMatchObject({ code: 8, trailers: { 'holdfast-code': 'too_many_requests' } });
        expect(Number(response.trailers['grpc-retry-pushback-ms'])).toBeGreaterThan(900_000);
      }
    });

    it('count those of all transports together', async () => {
      await using at = await started({ requestsPerSecond: SLOW, burst: 3 });
      const responses = [
        (await at.dtm('NewGid')).code,
        (await at.v1('GetStatus')).code,
        (await at.get('/api/v1/status')).status,
        (await at.get('/api/v1/status')).status,
      ];
      expect(responses).toEqual([0, 0, 200, 429]);
    });

    it('do not apply to health probes, nor to other principals', async () => {
      await using at = await started(RATE);
      await useUp(at);
      for (const path of ['/healthz', '/readyz', '/api/ping']) expect((await at.get(path)).status).toBe(200);
      expect((await at.get('/api/v1/status', 'bob')).status).toBe(200);
      expect((await at.v1('GetStatus', {}, 'bob')).code).toBe(0);
      const metrics = await at.get('/api/metrics', 'bob');
      expect(metrics.text).toMatch(/^holdfast_limited_requests_total\{limit="rate"[^}]*\} [1-9]/m);
      expect(metrics.text).not.toContain('ann');
    });

    it('count each request of a JSON-RPC batch', async () => {
      await using at = await started(RATE);
      const batch = Array.from({ length: 10 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'newGid', params: {} }));
      const { status, json } = await at.post('/api/json-rpc', batch);
      expect(status).toBe(200);
      const responses = json as unknown as { id: number; error?: { code: number; data: Record<string, unknown> } }[];
      expect(responses.map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
      const rejected = responses.flatMap(({ error }) => error ?? []);
      expect(rejected).toHaveLength(5);
      for (const { data } of rejected) {
        expect(data['code']).toBe('too_many_requests');
        expect(data['retryAfterMs']).toBeGreaterThan(0);
      }
    });

    it('leave a rejected request without effect', async () => {
      await using at = await started(RATE);
      await useUp(at);
      expect((await at.post('/api/v1/transactions', { gid: 'a', pattern: 'tcc' })).status).toBe(429);
      expect((await at.post('/api/dtmsvr/prepare', { gid: 'a', trans_type: 'tcc' })).status).toBe(429);
      expect((await at.dtm('Prepare', { Gid: 'a', TransType: 'tcc' })).code).toBe(8);
      expect((await at.get('/api/v1/transactions/a', 'bob')).status).toBe(404);
    });
  });

  describe('for bytes', () => {
    const BYTES = { bytesPerSecond: 1_000 };
    const tcc = (gid: string, bytes: number) => ({ gid, trans_type: 'tcc', custom_data: 'x'.repeat(bytes) });

    it('reject requests until a long one is paid for', async () => {
      await using at = await started(BYTES);
      expect((await at.post('/api/dtmsvr/prepare', tcc('a', 20_000))).status).toBe(200);
      const next = await at.post('/api/dtmsvr/prepare', tcc('b', 1));
      expect([next.status, next.json['code']]).toEqual([429, 'too_many_requests']);
      expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(15);
      expect((await at.dtm('NewGid')).code).toBe(8);
      expect((await at.get('/healthz')).status).toBe(200);
      expect((await at.get('/api/v1/transactions/b', 'bob')).status).toBe(404);
      const metrics = await at.get('/api/metrics', 'bob');
      expect(metrics.text).toMatch(/^holdfast_limited_requests_total\{limit="bytes"[^}]*\} 2/m);
    });

    it('count bodies without an announced length', async () => {
      await using at = await started(BYTES);
      const text = JSON.stringify(tcc('a', 20_000));
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text));
          controller.close();
        },
      });
      const init = { method: 'POST', headers: bearer('ann'), body, duplex: 'half' } as RequestInit;
      expect((await fetch(`${at.server.url}/api/dtmsvr/prepare`, init)).status).toBe(200);
      expect((await at.get('/api/v1/status')).status).toBe(429);
    });

    it('count the requests of gRPC', async () => {
      await using at = await started(BYTES);
      expect((await at.dtm('Prepare', { Gid: 'a', TransType: 'tcc', CustomedData: 'x'.repeat(20_000) })).code).toBe(0);
      const next = await at.v1('GetStatus');
      expect(next.code).toBe(8);
      expect(Number(next.trailers['grpc-retry-pushback-ms'])).toBeGreaterThan(15_000);
    });
  });

  describe('for unfinished transactions', () => {
    const IN_FLIGHT = { inFlight: 2 };
    const prepare = (at: At, gid: string, name = 'ann') =>
      at.post('/api/dtmsvr/prepare', { gid, trans_type: 'tcc' }, name);

    it('reject a further one over each transport, and store nothing of it', async () => {
      await using at = await started(IN_FLIGHT);
      for (const gid of ['a', 'b']) expect((await prepare(at, gid)).status).toBe(200);
      const dtm = await prepare(at, 'c');
      expect([dtm.status, dtm.headers.get('retry-after')]).toEqual([429, '1']);
      expect(dtm.json).toMatchObject({ code: 'too_many_requests' });
      const workflow = { gid: 'c', trans_type: 'workflow', query_prepared: 'http://h/w', name: 'w' };
      expect((await at.post('/api/dtmsvr/prepareWorkflow', workflow)).status).toBe(429);
      const params = { gid: 'c', trans_type: 'tcc' };
      const rpc = await at.post('/api/json-rpc', { jsonrpc: '2.0', id: 1, method: 'prepare', params });
      expect(rpc.json).toMatchObject({ id: 1, error: { data: { code: 'too_many_requests', gid: 'c' } } });
      const v1 = await at.post('/api/v1/transactions', { gid: 'c', pattern: 'tcc' });
      expect([v1.status, v1.headers.get('retry-after'), retryAfterMs(v1)]).toEqual([429, '1', 1_000]);
      for (const response of [
        await at.dtm('Prepare', { Gid: 'c', TransType: 'tcc' }),
        await at.v1('CreateTransaction', { gid: 'c', pattern: 'tcc' }),
      ])
        expect(response).toMatchObject({
          code: 8,
          trailers: { 'holdfast-code': 'too_many_requests', 'grpc-retry-pushback-ms': '1000' },
        });
      expect((await at.get('/api/v1/transactions/c')).status).toBe(404);
      expect((await prepare(at, 'c', 'bob')).status).toBe(200);
      const metrics = await at.get('/api/metrics');
      expect(metrics.text).toMatch(/^holdfast_limited_requests_total\{limit="in_flight"[^}]*\} 6/m);
    });

    it('do not reject what is done with those in progress, nor repeated submissions', async () => {
      await using at = await started(IN_FLIGHT);
      for (const gid of ['a', 'b']) expect((await prepare(at, gid)).status).toBe(200);
      const branch = { gid: 'a', trans_type: 'tcc', branch_id: '01', confirm: 'http://h/c', cancel: 'http://h/c' };
      expect((await prepare(at, 'a')).status).toBe(200);
      expect((await at.post('/api/dtmsvr/registerBranch', { ...branch, data: '{}' })).status).toBe(200);
      expect((await at.post('/api/dtmsvr/abort', { gid: 'a', trans_type: 'tcc' })).status).toBe(200);
      expect((await at.post('/api/dtmsvr/submit', { gid: 'b', trans_type: 'tcc' })).status).toBe(200);
      expect((await at.dtm('Submit', { Gid: 'b', TransType: 'tcc' })).code).toBe(0);
      // `b` has finished; `a` calls its branch.
      await expect.poll(async () => (await prepare(at, 'c')).status).toBe(200);
      expect((await prepare(at, 'd')).status).toBe(429);
    });
  });
});

describe('limits of principals', () => {
  it.each([
    [{ principalRate: 1 }, '--principal-rate has no effect on callers that are not authenticated; add --auth'],
    [{ principalBytes: 1 }, '--principal-bytes has no effect'],
    [{ principalInFlight: 1 }, '--principal-in-flight has no effect'],
    [{ principalBurst: 1, auth: true }, '--principal-burst has no effect without --principal-rate'],
  ])('are rejected at the start where they could not apply: %o', async (values, text) => {
    await expect(startServer({ store: 'memory:', httpPort: 0, grpcPort: 0, ...values })).rejects.toThrow(text);
  });

  it('of the options apply to each token', async () => {
    await using server = await GuardedServer.start({ principalRate: 1, principalBurst: 4 });
    const [one, other] = [await server.token('submitter'), await server.token('submitter')];
    const get = async (token: string) =>
      (await server.request('GET', '/api/dtmsvr/newGid', undefined, bearer(token))).status;
    const statuses: number[] = [];
    for (let sent = 0; sent < 50 && statuses.at(-1) !== 429; sent++) statuses.push(await get(one.token));
    expect([statuses.slice(0, 4), statuses.at(-1)]).toEqual([[200, 200, 200, 200], 429]);
    expect(await get(other.token)).toBe(200);
  });

  it('of a token replace those of the options, and are shown with it', async () => {
    await using server = await GuardedServer.start({ principalRate: 1, principalBurst: 1_000 });
    const limits = { requestsPerSecond: 1, burst: 2 };
    const strict = await server.token('submitter', { limits });
    expect(strict.limits).toEqual(limits);
    const free = await server.token('submitter', { limits: { requestsPerSecond: 0, inFlight: 1 } });
    const statusOf = async (token: string, path = '/api/dtmsvr/newGid') =>
      (await server.request('GET', path, undefined, bearer(token))).status;
    const statuses: number[] = [];
    for (let sent = 0; sent < 50 && statuses.at(-1) !== 429; sent++) statuses.push(await statusOf(strict.token));
    expect([statuses.slice(0, 2), statuses.at(-1)]).toEqual([[200, 200], 429]);
    const prepare = async (gid: string) =>
      (await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, bearer(free.token))).status;
    expect([await prepare('a'), await prepare('b')]).toEqual([200, 429]);
    const listed = await server.request('GET', '/api/v1/tokens', undefined, bearer(server.admin));
    expect(listed.text).toContain('"limits":{"requestsPerSecond":0,"inFlight":1}');
    const odd = { name: 'x', role: 'viewer', limits: { perDay: 1 } };
    const rejected = await server.request('POST', '/api/v1/tokens', odd, bearer(server.admin));
    expect([rejected.status, rejected.json['code']]).toEqual([400, 'invalid']);
    const { id } = strict;
    const rotated = await server.request('POST', `/api/v1/tokens/${id}/rotate`, {}, bearer(server.admin));
    expect(rotated.json).toMatchObject({ id, limits });
    const audited = await server.request('GET', '/api/v1/audit', undefined, bearer(server.admin));
    expect(audited.text).toContain(JSON.stringify('"limits":["requestsPerSecond 1","burst 2"]').slice(1, -1));
  });

  it('of a token are stated and applied over gRPC, and survive a restart of the coordinator', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-limits-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const store = { store: `lmdb:${folder}` };
    const first = await GuardedServer.start(store);
    using holdfast = new GrpcClient(first.running.grpcAddress, 'holdfast');
    const request = { name: 'x', role: 'submitter', limits: { requestsPerSecond: 1 } };
    const created = await holdfast.call('CreateToken', request, { metadata: bearer(first.admin) });
    expect(created.value['limits']).toMatchObject({ requestsPerSecond: 1 });
    const token = String(created.value['token']);
    await first[Symbol.asyncDispose]();
    // The burst of the options does not apply to a rate of the token's own.
    const options = { ...store, principalRate: 500, principalBurst: 1_000 };
    await using server = await GuardedServer.start(options, {}, first.admin);
    using again = new GrpcClient(server.running.grpcAddress, 'holdfast');
    const codes: number[] = [];
    for (let sent = 0; sent < 50 && codes.at(-1) !== 8; sent++)
      codes.push((await again.call('ListTransactions', {}, { metadata: bearer(token) })).code);
    expect([codes[0], codes.at(-1), codes.length < 50]).toEqual([0, 8, true]);
  });

  it('of the options bound bytes and unfinished transactions', async () => {
    await using server = await GuardedServer.start({ principalBytes: 1_000, principalInFlight: 1 });
    const { token } = await server.token('submitter');
    const prepare = async (gid: string, bytes: number) => {
      const body = { gid, trans_type: 'tcc', custom_data: 'x'.repeat(bytes) };
      return (await server.request('POST', '/api/dtmsvr/prepare', body, bearer(token))).text;
    };
    expect(await prepare('a', 1)).toContain('SUCCESS');
    expect(await prepare('b', 1)).toContain('the caller has 1 unfinished transactions');
    expect(await prepare('a', 20_000)).toContain('SUCCESS');
    expect(await prepare('a', 1)).toContain('the caller may send 1000 bytes per second');
  });
});
