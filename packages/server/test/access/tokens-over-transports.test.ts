import { connect } from 'node:net';
import { once } from 'node:events';
import type { Log, ServerConfig } from '@holdfast/server';
import { newTokenText } from '@holdfast/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GrpcClient } from '../support/grpc-client.ts';
import { bearer, GuardedServer } from './support.ts';

const VALID = '200';
const lines: string[] = [];
const note =
  (level: string) =>
  (fields: object, text: string): void =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${text}`);
const log: Log = { debugs: true, debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };

const basic = (account: string): string => `Basic ${Buffer.from(account).toString('base64')}`;

describe.each([
  { requestReader: 'own', grpcServer: 'own' },
  { requestReader: 'node', grpcServer: 'grpc-js' },
] as const satisfies readonly Partial<ServerConfig>[])('tokens ($requestReader, $grpcServer)', (readers) => {
  let server: GuardedServer;
  let token = '';
  const secrets: string[] = [];

  beforeAll(async () => {
    server = await GuardedServer.start(readers, { log });
    ({ token } = await server.token('submitter'));
    secrets.push(token, server.admin);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Sends a request with header lines as they are; returns the response. */
  async function raw(headers: readonly string[], path = '/api/dtmsvr/newGid'): Promise<string> {
    const { hostname, port, host } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write([`GET ${path} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n'));
    const [response] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return response.toString('latin1');
  }
  const statusOf = (response: string): string => response.split(' ')[1] ?? '';

  it.each([
    ['Bearer', () => `Bearer ${token}`],
    ['bearer in lower case', () => `bearer ${token}`],
    ['Basic with the token as password', () => basic(`holdfast:${token}`)],
    ['Basic with the token as user', () => basic(`${token}:`)],
  ])('are accepted as %s', async (_, authorization) => {
    expect(statusOf(await raw([`Authorization: ${authorization()}`]))).toBe(VALID);
    using client = new GrpcClient(server.running.grpcAddress);
    expect((await client.call('NewGid', {}, { metadata: { authorization: authorization() } })).code).toBe(0);
  });

  it.each([
    ['nothing', () => []],
    ['an empty field', () => ['Authorization: ']],
    ['the token without a scheme', () => [`Authorization: ${token}`]],
    ['another scheme', () => [`Authorization: Token ${token}`]],
    ['garbage', () => ['Authorization: Bearer ☠'.replace('☠', '\u00ff')]],
    ['a token with another secret', () => [`Authorization: Bearer ${newTokenText(token.split('_')[1] ?? '')}`]],
    ['an unknown token', () => [`Authorization: Bearer ${newTokenText('0000000000000000')}`]],
    ['8 KB', () => [`Authorization: Bearer ${'x'.repeat(8 * 1024)}`]],
    ['two fields', () => [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`]],
    ['two fields, one of them wrong', () => ['Authorization: Bearer x', `Authorization: Bearer ${token}`]],
    ['the field of a proxy', () => [`Proxy-Authorization: Bearer ${token}`]],
    ['a cookie', () => [`Cookie: authorization=${token}`]],
  ])('are rejected as %s', async (_, headers) => {
    const response = await raw(headers());
    expect(statusOf(response)).toBe('401');
    expect(response).toContain('WWW-Authenticate: Bearer realm="holdfast"');
    for (const secret of secrets) expect(response).not.toContain(secret);
  });

  it.each(['token', 'access_token', 'authorization'])(
    'are rejected in the query, as %s, and not logged',
    async (name) => {
      for (const path of ['/api/dtmsvr/newGid', '/api/v1/transactions', '/api/metrics', '/none'])
        expect(statusOf(await raw([], `${path}?${name}=${token}`))).toBe('401');
    },
  );

  it('are not in the log, metrics, or transactions', async () => {
    const gid = `g-${readers.requestReader}`;
    const headers = bearer(token);
    const created = await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, headers);
    expect(created.status).toBe(200);
    const details = await server.request('GET', `/api/v1/transactions/${gid}`, undefined, headers);
    expect(details.json).toMatchObject({ createdBy: `token:submitter/${token.split('_')[1]}` });
    const metrics = await server.request('GET', '/api/metrics', undefined, headers);
    expect(metrics.text).toMatch(/holdfast_authentication_failures_total\{reason="rejected"[^}]*\} \d/);
    const shown = [details.text, metrics.text, ...lines, process.title, ...process.argv].join('\n');
    for (const secret of secrets) expect(shown).not.toContain(secret.slice(-40));
    expect(lines.join('\n')).toContain('requests without valid credentials were rejected');
  });

  it('name the operator whose command is in the timeline', async () => {
    const gid = `stop-${readers.requestReader}`;
    const operator = await server.token('operator');
    await server.request('POST', '/api/v1/transactions', { gid, pattern: 'tcc' }, bearer(token));
    await server.request('POST', `/api/v1/transactions/${gid}/stop`, {}, bearer(operator.token));
    const { text } = await server.request('GET', `/api/v1/transactions/${gid}`, undefined, bearer(token));
    expect(text).toContain(`"by":"token:operator/${operator.id}"`);
  });

  it('that are revoked fail on every transport at once', async () => {
    const { id, token: doomed } = await server.token('submitter');
    using client = new GrpcClient(server.running.grpcAddress);
    const statuses = async () => [
      (await server.request('GET', '/api/dtmsvr/newGid', undefined, bearer(doomed))).status,
      (await client.call('NewGid', {}, { metadata: bearer(doomed) })).code,
    ];
    expect(await statuses()).toEqual([200, 0]);
    expect((await server.request('DELETE', `/api/v1/tokens/${id}`, undefined, bearer(server.admin))).status).toBe(204);
    expect(await statuses()).toEqual([401, 16]);
  });

  it('let an admin of one namespace manage only its tokens', async () => {
    const { token: shop } = await server.token('admin', { namespaces: ['shop'] });
    const create = (body: object) =>
      server.request('POST', '/api/v1/tokens', { name: 'n', role: 'viewer', ...body }, bearer(shop));
    expect((await create({})).json).toMatchObject({ namespaces: ['shop'] });
    expect((await create({ namespaces: ['bank'] })).status).toBe(403);
    const { items } = (await server.request('GET', '/api/v1/tokens', undefined, bearer(shop))).json;
    for (const item of items) expect(item).toMatchObject({ allNamespaces: false, namespaces: ['shop'] });
    expect((await server.request('DELETE', '/api/v1/tokens/bootstrap', undefined, bearer(shop))).status).toBe(404);
  });

  it('cannot name the namespace of the tokens', async () => {
    for (const headers of [bearer(server.admin), { ...bearer(server.admin), 'holdfast-namespace': '$holdfast' }]) {
      const { text } = await server.request('GET', '/api/dtmsvr/scanKV?cat=token', undefined, headers);
      expect(text).not.toContain('hash');
    }
  });

  it.each([
    [{ name: '', role: 'viewer' }, 'name'],
    [{ name: 'a b', role: 'viewer' }, 'name'],
    [{ name: 'x'.repeat(65), role: 'viewer' }, 'name'],
    [{ name: 'a', role: 'root' }, 'role'],
    [{ name: 'a', role: 'viewer', namespaces: [] }, 'namespaces'],
    [{ name: 'a', role: 'viewer', namespaces: ['$x'] }, 'namespaces[0]'],
    [{ name: 'a', role: 'viewer', expiresInMs: 0 }, 'expiresInMs'],
    [{ name: 'a', role: 'viewer', expiresInMs: 1e15 }, 'expiresInMs'],
  ])('are not created from %o', async (body, field) => {
    const { status, json } = await server.request('POST', '/api/v1/tokens', body, bearer(server.admin));
    expect([status, json.field]).toEqual([400, field]);
  });
});
