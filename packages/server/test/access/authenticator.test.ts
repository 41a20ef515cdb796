import { describe, expect, it } from 'vitest';
import type { Authenticator, Credentials } from '@holdfast/api';
import { HoldfastError, type Principal } from '@holdfast/protocol';
import { type ServerConfig, startServer } from '@holdfast/server';
import { TestClient } from '@holdfast/testing/test-server';
import { GrpcClient } from '../support/grpc-client.ts';

const ANN: Principal = { id: 'ann', roles: ['admin'] };
const BOB: Principal = { id: 'bob', roles: ['submitter'], namespaces: ['shop'] };
const EVE: Principal = { id: 'eve', roles: ['viewer'], namespaces: ['shop', 'bank'] };

/** Knows callers by name, at once or after a turn of the event loop. */
class ByName implements Authenticator {
  readonly seen: Credentials[] = [];
  readonly #isLate: boolean;

  constructor(isLate: boolean) {
    this.#isLate = isLate;
  }

  authenticate(credentials: Credentials): Principal | Promise<Principal> {
    const { authorization, remoteAddress } = credentials;
    this.seen.push({ authorization, remoteAddress });
    const found = [ANN, BOB, EVE].find(({ id }) => `Bearer ${id}` === authorization);
    if (!this.#isLate && found !== undefined) return found;
    const error = new HoldfastError('unauthenticated', 'the request has no valid credentials');
    if (!this.#isLate) throw error;
    return new Promise((resolve, reject) => {
      setImmediate(() => (found === undefined ? reject(error) : resolve(found)));
    });
  }
}

const SERVERS = [
  { requestReader: 'own', grpcServer: 'own', isLate: false },
  { requestReader: 'own', grpcServer: 'own', isLate: true },
  { requestReader: 'node', grpcServer: 'grpc-js', isLate: false },
  { requestReader: 'node', grpcServer: 'grpc-js', isLate: true },
] as const satisfies readonly (Partial<ServerConfig> & { isLate: boolean })[];

describe.each(SERVERS)('with an authenticator ($requestReader, $grpcServer, late: $isLate)', (options) => {
  const { requestReader, grpcServer, isLate } = options;
  const started = async () => {
    const authenticator = new ByName(isLate);
    const config = { store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, requestReader, grpcServer };
    const server = await startServer(config, { authenticator });
    const client = new TestClient(server.url);
    return { server, client, authenticator, [Symbol.asyncDispose]: () => server.close() };
  };
  const as = ({ id }: Principal, namespace?: string): Record<string, string> => ({
    authorization: `Bearer ${id}`,
    ...(namespace !== undefined && { 'holdfast-namespace': namespace }),
  });
  const saga = (gid: string) => ({ gid, pattern: 'tcc' });

  it.each([
    ['GET', '/api/dtmsvr/newGid'],
    ['POST', '/api/dtmsvr/prepareWorkflow'],
    ['POST', '/api/json-rpc'],
    ['GET', '/api/v1/transactions'],
    ['GET', '/api/metrics'],
    ['GET', '/openapi.json'],
    ['GET', '/no-such-path'],
    ['PATCH', '/api/v1/transactions'],
  ])('rejects %s %s of an unknown caller with 401', async (method, path) => {
    await using at = await started();
    for (const headers of [{}, { authorization: 'Bearer mallory' }]) {
      const { status, text, headers: sent } = await at.client.request(method, path, undefined, headers);
      expect([status, sent.get('www-authenticate')]).toEqual([401, 'Bearer realm="holdfast"']);
      expect(text).not.toContain('mallory');
    }
  });

  it.each(['/healthz', '/readyz', '/api/ping'])('serves %s to every caller', async (path) => {
    await using at = await started();
    expect((await at.client.get(path)).status).toBe(200);
    expect(at.authenticator.seen).toEqual([]);
  });

  it('passes on what the request presents', async () => {
    await using at = await started();
    await at.client.request('GET', '/api/v1/status', undefined, as(ANN));
    expect(at.authenticator.seen).toEqual([{ authorization: 'Bearer ann', remoteAddress: '127.0.0.1' }]);
  });

  it('rejects gRPC calls of an unknown caller, except for the health', async () => {
    await using at = await started();
    for (const service of ['dtm', 'holdfast'] as const) {
      using client = new GrpcClient(at.server.grpcAddress, service);
      const method = service === 'dtm' ? 'NewGid' : 'GetStatus';
      expect(await client.call(method)).toMatchObject({ code: 16, trailers: { 'holdfast-code': 'unauthenticated' } });
      expect(await client.call(method, {}, { metadata: as(ANN) })).toMatchObject({ code: 0 });
      expect(at.authenticator.seen.at(-1)).toEqual({ authorization: 'Bearer ann', remoteAddress: '127.0.0.1' });
    }
  });

  it('lets a caller act in its namespaces only, and hides the others', async () => {
    await using at = await started();
    const { client } = at;
    const create = (gid: string, headers: Record<string, string>) =>
      client.request('POST', '/api/v1/transactions', saga(gid), headers);
    const list = async (headers: Record<string, string>) =>
      (await client.request('GET', '/api/v1/transactions', undefined, headers)).json.items.map(({ gid }) => gid);
    expect((await create('a', as(ANN))).json.namespace).toBe('default');
    expect((await create('a', as(BOB))).json.namespace).toBe('shop');
    expect((await create('b', as(ANN, 'bank'))).json.namespace).toBe('bank');
    expect((await create('c', as(BOB, 'bank'))).status).toBe(403);
    expect(await list(as(BOB))).toEqual(['a']);
    expect(await list(as(EVE, 'bank'))).toEqual(['b']);
    expect((await client.request('GET', '/api/v1/transactions/b', undefined, as(BOB))).status).toBe(404);
    const unnamed = await client.request('GET', '/api/v1/transactions', undefined, as(EVE));
    expect([unnamed.status, unnamed.json.detail]).toEqual([403, expect.stringContaining('send Holdfast-Namespace')]);
    const odd = await client.request('GET', '/api/v1/transactions', undefined, as(ANN, '$system'));
    expect([odd.status, odd.json.code]).toEqual([400, 'invalid']);
    using grpc = new GrpcClient(at.server.grpcAddress, 'holdfast');
    expect((await grpc.call('GetTransaction', { gid: 'b' }, { metadata: as(BOB) })).code).toBe(5);
    expect((await grpc.call('GetTransaction', { gid: 'b' }, { metadata: as(EVE, 'bank') })).code).toBe(0);
    expect((await grpc.call('GetTransaction', { gid: 'b' }, { metadata: as(BOB, 'bank') })).code).toBe(7);
  });

  it('checks the roles of callers', async () => {
    await using at = await started();
    const stop = await at.client.request('POST', '/api/v1/transactions/a/stop', {}, as(BOB));
    expect([stop.status, stop.json.detail]).toEqual([403, expect.stringContaining('needs the role operator')]);
    expect((await at.client.request('GET', '/api/metrics', undefined, as(BOB))).status).toBe(403);
    expect((await at.client.request('GET', '/api/metrics', undefined, as(ANN))).status).toBe(200);
  });
});
