import type { ServerConfig } from '@holdfast/server';
import { describeWith } from '@holdfast/testing/describe-with';
import { TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, GuardedServer } from '../access/support.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { AUDIENCE, type JwtChanges, Lines, TestIssuer } from './support.ts';

const nowS = (): number => Math.floor(Date.now() / 1_000);

describeWith(['openssl'], 'JWTs of an issuer over https', () => {
  let authority: TestAuthority;
  let issuer: TestIssuer;
  const log = new Lines();

  beforeAll(async () => {
    authority = await TestAuthority.create();
    issuer = await TestIssuer.start(await authority.issue(), 'RS256');
    for (const alg of ['RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) await issuer.addKey(alg, alg);
    await issuer.addKey('secret');
    issuer.published.delete('secret');
  });
  afterAll(async () => {
    await issuer[Symbol.asyncDispose]();
    await authority.remove();
  });

  describe.each([
    { requestReader: 'own', grpcServer: 'own' },
    { requestReader: 'node', grpcServer: 'grpc-js' },
  ] as const satisfies readonly Partial<ServerConfig>[])('($requestReader, $grpcServer)', (readers) => {
    let server: GuardedServer;
    let dtm: GrpcClient;
    let holdfast: GrpcClient;

    beforeAll(async () => {
      server = await GuardedServer.start({ ...readers, ...oidc() }, { log });
      dtm = new GrpcClient(server.running.grpcAddress);
      holdfast = new GrpcClient(server.running.grpcAddress, 'holdfast');
    });
    afterAll(async () => {
      dtm[Symbol.dispose]();
      holdfast[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    });

    const oidc = (): Partial<ServerConfig> => ({
      oidcIssuer: issuer.url,
      oidcAudience: AUDIENCE,
      oidcCaFile: authority.certificate,
      oidcNamespacesClaim: 'resource_access.holdfast.namespaces',
    });
    const everywhere = { resource_access: { holdfast: { namespaces: ['*'] } } };
    const sign = ({ claims, ...changes }: JwtChanges = {}): Promise<string> =>
      issuer.sign({ ...changes, claims: { ...everywhere, ...claims } });

    /** The statuses over REST, JSON-RPC, /api/v1, metrics, and the codes of both gRPC services. */
    async function verdicts(token: string, at = { server, dtm, holdfast }): Promise<readonly number[]> {
      const metadata = bearer(token);
      const rpc = { jsonrpc: '2.0', id: 1, method: 'newGid', params: {} };
      return [
        (await at.server.request('GET', '/api/dtmsvr/newGid', undefined, metadata)).status,
        (await at.server.request('POST', '/api/json-rpc', rpc, metadata)).status,
        (await at.server.request('GET', '/api/v1/transactions', undefined, metadata)).status,
        (await at.server.request('GET', '/api/metrics', undefined, metadata)).status,
        (await at.dtm.call('NewGid', {}, { metadata })).code,
        (await at.holdfast.call('ListTransactions', {}, { metadata })).code,
      ];
    }
    const ACCEPTED = [200, 200, 200, 200, 0, 0];
    const REJECTED = [401, 401, 401, 401, 16, 16];

    it.each(['first', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
      'are accepted on every transport: key %s',
      async (kid) => expect(await verdicts(await sign({ kid }))).toEqual(ACCEPTED),
    );

    it.each<[string, JwtChanges, string]>([
      ['that expired', { claims: { exp: nowS() - 60 } }, 'the JWT has expired'],
      ['for another audience', { claims: { aud: 'other' } }, 'wrong audience'],
      ['with a key that is not published', { kid: 'secret' }, 'does not publish'],
    ])('are rejected on every transport %s', async (_, changes, text) => {
      // Each server holds back responses after some failures.
      await using other = await GuardedServer.start({ ...readers, ...oidc() });
      using dtmClient = new GrpcClient(other.running.grpcAddress);
      using client = new GrpcClient(other.running.grpcAddress, 'holdfast');
      const token = await sign(changes);
      expect(await verdicts(token, { server: other, dtm: dtmClient, holdfast: client })).toEqual(REJECTED);
      const { json, headers } = await other.request('GET', '/api/v1/transactions', undefined, bearer(token));
      expect(json).toMatchObject({ code: 'unauthenticated', detail: expect.stringContaining(text) });
      expect(headers.get('www-authenticate')).toBe('Bearer realm="holdfast"');
      const { message } = await client.call('ListTransactions', {}, { metadata: bearer(token) });
      expect(message).toBe(json.detail);
      expect((await other.request('GET', '/healthz', undefined, bearer(token))).status).toBe(200);
    });

    it('of 9 KB are rejected as too long', async () => {
      const token = await issuer.sign({ claims: { more: 'x'.repeat(7 * 1024) } });
      const response = await server.request('GET', '/api/v1/transactions', undefined, bearer(token));
      expect([response.status, response.json.detail]).toEqual([401, 'Authorization is too long']);
    });

    it('of 64 KB are rejected, and the next request is served', async () => {
      const token = await issuer.sign({ claims: { more: 'x'.repeat(64 * 1024) } });
      const response = await server.request('GET', '/api/v1/transactions', undefined, bearer(token));
      expect([400, 401, 431]).toContain(response.status);
      expect((await holdfast.call('ListTransactions', {}, { metadata: bearer(token) })).code).not.toBe(0);
      expect(await verdicts(await sign())).toEqual(ACCEPTED);
    });

    it('act in the namespaces of their claim only', async () => {
      const token = await sign({ claims: { resource_access: { holdfast: { namespaces: ['shop', '/odd', 'bank'] } } } });
      const create = (gid: string, namespace: string) =>
        server.request(
          'POST',
          '/api/v1/transactions',
          { gid, pattern: 'tcc' },
          { ...bearer(token), 'holdfast-namespace': namespace },
        );
      const gid = `n-${readers.requestReader}`;
      const created = await create(gid, 'shop');
      expect(created.json).toMatchObject({ namespace: 'shop' });
      expect((await create(gid, 'bank')).status).toBe(200);
      expect((await create(gid, 'default')).status).toBe(403);
      expect((await server.request('GET', '/api/metrics', undefined, bearer(token))).status).toBe(403);
      const metadata = { ...bearer(token), 'holdfast-namespace': 'default' };
      expect((await holdfast.call('ListTransactions', {}, { metadata })).code).toBe(7);
      const details = await server.request('GET', `/api/v1/transactions/${gid}`, undefined, {
        ...bearer(token),
        'holdfast-namespace': 'shop',
      });
      expect(details.json).toMatchObject({ createdBy: `oidc:${new URL(issuer.url).host}/alice` });
    });

    it.each<[string, object, string]>([
      ['roles', { holdfast_roles: ['offline_access'] }, 'has no role for this coordinator in its claim holdfast_roles'],
      ['the claim of roles', { holdfast_roles: undefined }, 'has no role'],
      ['namespaces', { resource_access: {} }, 'names no namespace in its claim resource_access.holdfast.namespaces'],
      [
        'valid namespaces',
        { resource_access: { holdfast: { namespaces: ['$holdfast', '/x'] } } },
        'names no namespace',
      ],
    ])('without %s are forbidden', async (_, claims, text) => {
      const token = await sign({ claims: { ...claims } });
      expect(await verdicts(token)).toEqual([403, 403, 403, 403, 7, 7]);
      const { json } = await server.request('GET', '/api/v1/transactions', undefined, bearer(token));
      expect(json).toMatchObject({ code: 'forbidden', detail: expect.stringContaining(text) });
    });

    it.each(['viewer', 'submitter', 'operator', 'admin'] as const)('allow what the role %s allows', async (role) => {
      const headers = bearer(await sign({ claims: { holdfast_roles: ['x', role] } }));
      const rank = ['viewer', 'submitter', 'operator', 'admin'].indexOf(role);
      const expected = (needed: number, status: number): number => (rank >= needed ? status : 403);
      const gid = `r-${role}-${readers.requestReader}`;
      const statuses = [
        (await server.request('GET', '/api/v1/transactions', undefined, headers)).status,
        (await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, headers)).status,
        (await server.request('POST', `/api/v1/transactions/none/stop`, {}, headers)).status,
        (await server.request('POST', '/api/v1/tokens', { name: gid, role: 'viewer' }, headers)).status,
      ];
      expect(statuses).toEqual([200, expected(1, 200), expected(2, 404), expected(3, 200)]);
      const codes = [
        (await holdfast.call('ListTransactions', {}, { metadata: headers })).code,
        (await holdfast.call('StopTransaction', { gid: 'none' }, { metadata: headers })).code,
        (await dtm.call('NewGid', {}, { metadata: headers })).code,
      ];
      expect(codes).toEqual([0, rank >= 2 ? 5 : 7, rank >= 1 ? 0 : 7]);
    });

    it('are accepted beside API tokens', async () => {
      expect(await verdicts(server.admin)).toEqual(ACCEPTED);
      const { json } = await server.request('GET', '/api/v1/tokens', undefined, bearer('hf_x_y'));
      expect(json.detail).toContain('API token');
    });

    it('are not in the log or in metrics', async () => {
      const tokens = [await sign(), await sign({ claims: { exp: nowS() - 60 } })];
      for (const token of tokens) await verdicts(token);
      const { text } = await server.request('GET', '/api/metrics', undefined, bearer(server.admin));
      expect(text).toMatch(/holdfast_authentication_failures_total\{reason="expired"[^}]*\} \d/);
      const shown = [text, ...log.all].join('\n');
      for (const token of tokens) expect(shown).not.toContain(token.split('.')[2]);
      expect(shown).not.toContain('eyJ');
    });
  });
});
