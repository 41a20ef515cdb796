import type grpc from '@grpc/grpc-js';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import type { Authenticator } from '@holdfast/api';
import { ANONYMOUS, HoldfastError, type Principal } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Watching, watchClient } from '../support/watch-client.ts';
import { bearer, GuardedServer } from './support.ts';

describe.each(['own', 'grpc-js'] as const)('a stream over the gRPC server %s', (grpcServer) => {
  let server: GuardedServer;
  let client: grpc.Client;
  const watched = (): number => server.running.coordinator.load().watched;

  async function start(authenticator?: Authenticator): Promise<void> {
    server = await GuardedServer.start({ grpcServer }, authenticator === undefined ? {} : { authenticator });
    client = watchClient(server.running.grpcAddress);
  }
  beforeEach(() => start());
  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  /** Watches a transaction that lasts. Returns when the watch has begun. */
  async function watch(token: string, authorization = token): Promise<Watching> {
    const gid = `w-${authorization.slice(-8)}`;
    const begun = await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, bearer(token));
    expect(begun.status).toBe(200);
    const watching = new Watching(client, [{ gid }], { metadata: bearer(authorization) });
    await vi.waitUntil(() => watching.received.length > 0, { timeout: 10_000 });
    return watching;
  }

  it('ends with UNAUTHENTICATED when its token is revoked; those of other tokens last', async () => {
    const { id, token } = await server.token('submitter');
    const other = await watch((await server.token('submitter')).token);
    const watching = await watch(token);
    expect((await server.request('DELETE', `/api/v1/tokens/${id}`, undefined, bearer(server.admin))).status).toBe(204);
    const { code, details } = await watching.ended;
    expect([code, details]).toEqual([GRPC_STATUS.unauthenticated, `the API token ${id} was revoked`]);
    await vi.waitUntil(() => watched() === 1, { timeout: 10_000 });
    const last = await Promise.race([other.ended.then(() => 'ended'), Promise.resolve('lasts')]);
    expect(last).toBe('lasts');
  });

  it('ends when its token expires', async () => {
    const { id, token } = await server.token('submitter', { expiresInMs: 1_500 });
    const { code, details } = await (await watch(token)).ended;
    expect([code, details]).toEqual([GRPC_STATUS.unauthenticated, `the API token ${id} has expired`]);
  });

  it('ends when its token was rotated without an overlap', async () => {
    const { id, token } = await server.token('submitter');
    const watching = await watch(token);
    const rotated = await server.request('POST', `/api/v1/tokens/${id}/rotate`, {}, bearer(server.admin));
    expect(rotated.status).toBe(200);
    expect((await watching.ended).code).toBe(GRPC_STATUS.unauthenticated);
  });

  it('that many revoked tokens held do not slow down logins, nor count as failed ones', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, () => server.token('submitter')));
    const watches = await Promise.all(tokens.map(({ token }) => watch(token)));
    await Promise.all(
      tokens.map(({ id }) => server.request('DELETE', `/api/v1/tokens/${id}`, undefined, bearer(server.admin))),
    );
    for (const { ended } of watches) expect((await ended).code).toBe(GRPC_STATUS.unauthenticated);
    const { text } = await server.request('GET', '/api/metrics', undefined, bearer(server.admin));
    expect(text).not.toMatch(/holdfast_authentication_failures_total\{reason="revoked"/);
  });

  it.each<[string, () => Principal, number]>([
    ['has other roles', () => ({ ...ANONYMOUS, id: 'x', roles: ['viewer'] }), GRPC_STATUS.unauthenticated],
    ['has other namespaces', () => ({ ...TESTER, namespaces: ['shop'] }), GRPC_STATUS.unauthenticated],
    [
      'cannot be checked',
      () => {
        throw new HoldfastError('unavailable', 'not now');
      },
      GRPC_STATUS.unavailable,
    ],
  ])('ends when its caller %s', async (_, later, status) => {
    client.close();
    await server[Symbol.asyncDispose]();
    let current = (): Principal => TESTER;
    await start({ authenticate: ({ isInProgress }) => (isInProgress === true ? current() : TESTER) });
    const watching = await watch('any');
    current = later;
    expect((await watching.ended).code).toBe(status);
    await vi.waitUntil(() => watched() === 0, { timeout: 10_000 });
  });
});

const TESTER: Principal = { id: 'tester', roles: ['admin'] };
