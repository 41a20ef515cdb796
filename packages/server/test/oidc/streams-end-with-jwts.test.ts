import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import type grpc from '@grpc/grpc-js';
import { describeWith } from '@holdfast/testing/describe-with';
import { TestAuthority } from '@holdfast/testing/servers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, GuardedServer } from '../access/support.ts';
import { Watching, watchClient } from '../support/watch-client.ts';
import { AUDIENCE, Lines, TestIssuer } from './support.ts';

describe.each(['own', 'grpc-js'] as const)('a stream over the gRPC server %s', (grpcServer) => {
  let issuer: TestIssuer;
  let server: GuardedServer;
  let client: grpc.Client;

  beforeEach(async () => {
    issuer = await TestIssuer.start();
    server = await GuardedServer.start({ grpcServer, oidcIssuer: issuer.url, oidcAudience: AUDIENCE });
    client = watchClient(server.running.grpcAddress);
  });
  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  async function watch(token: string): Promise<Watching> {
    const gid = `w-${token.slice(-8)}`;
    const begun = await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, bearer(server.admin));
    expect(begun.status).toBe(200);
    const watching = new Watching(client, [{ gid }], { metadata: bearer(token) });
    await vi.waitUntil(() => watching.received.length > 0, { timeout: 10_000 });
    return watching;
  }

  it('ends when its JWT expires', async () => {
    const exp = Math.floor(Date.now() / 1_000) - 6;
    const watching = await watch(await issuer.sign({ claims: { exp } }));
    const { code, details } = await watching.ended;
    expect([code, details]).toEqual([GRPC_STATUS.unauthenticated, 'the JWT has expired']);
  });

  it('ends when the key of its JWT is withdrawn; those of other keys last', async () => {
    await issuer.addKey('next');
    const watching = await watch(await issuer.sign());
    issuer.published.delete('first');
    const other = await watch(await issuer.sign({ kid: 'next' }));
    const { code } = await watching.ended;
    expect(code).toBe(GRPC_STATUS.unauthenticated);
    const last = await Promise.race([other.ended.then(() => 'ended'), Promise.resolve('lasts')]);
    expect(last).toBe('lasts');
  });
});

describeWith(['openssl'], 'an issuer with the certificate of another authority', () => {
  it('is not trusted: the server starts, JWTs are unavailable, API tokens are accepted', async () => {
    await using authority = await TestAuthority.create();
    await using other = await TestAuthority.create();
    await using issuer = await TestIssuer.start(await authority.issue());
    const log = new Lines();
    const config = { oidcIssuer: issuer.url, oidcAudience: AUDIENCE, oidcCaFile: other.certificate };
    await using server = await GuardedServer.start(config, { log });
    const get = (token: string) => server.request('GET', '/api/v1/transactions', undefined, bearer(token));
    const rejected = await get(await issuer.sign());
    expect([rejected.status, rejected.json.code]).toEqual([503, 'unavailable']);
    expect((await get(server.admin)).status).toBe(200);
    expect((await server.get('/readyz')).status).toBe(200);
    expect(log.with('cannot be fetched')[0]).toMatch(/the connection failed \(\w+\)/);
    expect(log.with('starts without the keys of --oidc-issuer')).toHaveLength(1);
    expect(issuer.requests).toEqual([]);
  });

  it.each([
    ['has expired', { days: -1 }],
    ['has another name', { names: ['DNS:other.example'] }],
  ])('or with a certificate that %s is not trusted either', async (_, options) => {
    await using authority = await TestAuthority.create();
    await using issuer = await TestIssuer.start(await authority.issue(options));
    const log = new Lines();
    const config = { oidcIssuer: issuer.url, oidcAudience: AUDIENCE, oidcCaFile: authority.certificate };
    await using server = await GuardedServer.start(config, { log });
    const { status } = await server.request('GET', '/api/metrics', undefined, bearer(await issuer.sign()));
    expect([status, issuer.requests]).toEqual([503, []]);
  });
});
