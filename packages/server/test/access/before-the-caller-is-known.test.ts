import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTokenText } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';
import type { ServerConfig } from '@holdfast/server';
import { GrpcClient } from '../support/grpc-client.ts';
import { bearer, GuardedServer } from './support.ts';

const READERS = [
  { requestReader: 'own', grpcServer: 'own' },
  { requestReader: 'node', grpcServer: 'grpc-js' },
] as const satisfies readonly Partial<ServerConfig>[];

/** A store that returns no key-value while `isHanging`. */
function hangingStore() {
  const inner = new CheckedStore(new MemoryStore(Date.now));
  const state = { isHanging: false };
  const store = new Proxy(inner, {
    get(_, name) {
      if (name === 'kvGet' && state.isHanging) return () => new Promise(() => {});
      const value: unknown = Reflect.get(inner, name, inner);
      return typeof value === 'function' ? value.bind(inner) : value;
    },
  }) as Store;
  return { state, store };
}

describe.each(READERS)('before the caller is known ($requestReader, $grpcServer)', (readers) => {
  let server: GuardedServer;
  let state: { isHanging: boolean };
  beforeEach(async () => {
    const hanging = hangingStore();
    state = hanging.state;
    server = await GuardedServer.start(readers, { store: hanging.store });
  });
  afterEach(async () => {
    state.isHanging = false;
    await server[Symbol.asyncDispose]();
  });

  it.each(['/api/dtmsvr/newGid', '/api/v1/status', '/api/metrics', '/none'])(
    'a request of %s is rejected at its deadline while its token is checked',
    async (path) => {
      const { token } = await server.token('submitter');
      state.isHanging = true;
      const headers = { ...bearer(token), 'request-timeout-ms': '50' };
      const { status, json } = await server.request('GET', path, undefined, headers);
      expect([status, json['code']]).toEqual([504, 'deadline_exceeded']);
    },
  );

  it('a JSON-RPC request is rejected at its deadline while its token is checked', async () => {
    const { token } = await server.token('submitter');
    state.isHanging = true;
    const body = { jsonrpc: '2.0', id: 1, method: 'newGid', params: {} };
    const headers = { ...bearer(token), 'request-timeout-ms': '50' };
    const { status, text } = await server.request('POST', '/api/json-rpc', body, headers);
    expect(status).toBe(504);
    expect(text).toContain('the deadline of the request has passed; no change was started');
  });

  it.each(['/dtmgimp.Dtm/NewGid', '/holdfast.v1.Holdfast/GetStatus'])(
    'a call of %s is rejected at its deadline while its token is checked',
    async (path) => {
      const { token } = await server.token('submitter');
      state.isHanging = true;
      const session = connectHttp2(`http://${server.running.grpcAddress}`);
      const request = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': '50m',
        ...bearer(token),
      });
      request.end(Buffer.alloc(5));
      request.resume();
      const [headers] = (await once(request, 'response')) as [IncomingHttpHeaders];
      expect(headers['grpc-status']).toBe('4');
      session.destroy();
    },
  );

  it('health probes are served, whatever namespace and token they name', async () => {
    const odd = { ...bearer('nonsense'), 'holdfast-namespace': '$not a namespace' };
    for (const path of ['/healthz', '/readyz', '/api/ping'])
      expect((await server.request('GET', path, undefined, odd)).status).toBe(200);
    const session = connectHttp2(`http://${server.running.grpcAddress}`);
    const request = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...odd,
    });
    request.end(Buffer.alloc(5));
    request.resume();
    const [trailers] = (await once(request, 'trailers')) as [IncomingHttpHeaders];
    expect(trailers['grpc-status']).toBe('0');
    session.destroy();
  });

  describe('a health probe', () => {
    const HEALTH = ['/healthz', '/readyz', '/api/ping'];
    const spellings = (path: string): readonly string[] => [
      ...[`${path}/`, `/${path}`, `${path}//`, path.toUpperCase(), `${path}%20`, `${path};x`, `${path}%3Fx`],
      ...[`/.${path}`, `/x/..${path}`, path.replace('z', '%7a').replace('g', '%67'), `${path}/../api/v1/status`],
    ];
    /** Sends a path as it is spelled. */
    const statusOf = async (path: string, headers = {}, method = 'GET'): Promise<number | undefined> => {
      const { hostname, port } = new URL(server.url);
      const sent = requestHttp({ hostname, port, path, method, headers, agent: false }).end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };

    it.each(HEALTH)('of %s is served in this spelling, and every other one is a path like any other', async (path) => {
      expect([await statusOf(path), await statusOf(`${path}?x=1`), await statusOf(path, {}, 'HEAD')]).toEqual([
        200, 200, 200,
      ]);
      const known = bearer((await server.token('viewer')).token);
      for (const other of spellings(path)) {
        expect([other, await statusOf(other)]).toEqual([other, 401]);
        expect([other, await statusOf(other, known)]).toEqual([other, 404]);
      }
    });

    it('with a method that changes something is not served', async () => {
      for (const path of ['/healthz', '/readyz']) expect(await statusOf(path, {}, 'POST')).toBe(401);
    });
  });

  it('the names of methods are public at the server of grpc-js, which rejects unknown ones itself', async () => {
    const [UNIMPLEMENTED, UNAUTHENTICATED] = ['12', '16'];
    const session = connectHttp2(`http://${server.running.grpcAddress}`);
    const statusOf = async (path: string): Promise<unknown> => {
      const fields = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
      const call = session.request(fields).end(Buffer.alloc(5));
      const [headers] = (await once(call, 'response')) as [IncomingHttpHeaders];
      return headers['grpc-status'];
    };
    const unknown = readers.grpcServer === 'own' ? UNAUTHENTICATED : UNIMPLEMENTED;
    for (const path of ['/dtmgimp.Dtm/NewGid', '/holdfast.v1.Holdfast/GetStatus'])
      expect([path, await statusOf(path)]).toEqual([path, UNAUTHENTICATED]);
    for (const path of ['/dtmgimp.Dtm/None', '/dtmgimp.Dtm/NewGid/', '//dtmgimp.Dtm/NewGid', '/dtmgimp.dtm/newgid'])
      expect([path, await statusOf(path)]).toEqual([path, unknown]);
    for (const path of [
      '/grpc.health.v1.Health/Check/',
      '/grpc.health.v1.health/check',
      '/constructor',
      '/__proto__/x',
    ])
      expect([path, await statusOf(path)]).toEqual([path, unknown]);
    session.destroy();
  });

  describe('a request target with scheme and host', () => {
    /** Sends a request line as it is; returns the response. */
    async function raw(target: string, headers: readonly string[], host = new URL(server.url).host): Promise<string> {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      socket.write([`GET ${target} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n'));
      const [response] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return response.toString('latin1');
    }

    it('is served as its path', async () => {
      const { token } = await server.token('submitter');
      const authorization = [`Authorization: Bearer ${token}`];
      for (const path of ['/healthz', '/readyz']) expect(await raw(server.url + path, [])).toContain('HTTP/1.1 200');
      expect(await raw(`${server.url.toUpperCase()}/api/dtmsvr/newGid`, authorization)).toContain('"gid"');
      expect(await raw(`${server.url}/api/v1/transactions?limit=1`, authorization)).toContain('"items":[]');
      expect(await raw(`${server.url}/api/v1/transactions?limit=x`, authorization)).toContain('HTTP/1.1 400');
      expect(await raw(server.url, authorization)).toContain('HTTP/1.1 404');
      expect(await raw(`${server.url}/api/dtmsvr/newGid`, [])).toContain('HTTP/1.1 401');
    });

    it('replaces the field Host, which is then not checked', async () => {
      const { port } = new URL(server.url);
      expect(await raw(`http://evil.example:${port}/healthz`, [])).toContain('HTTP/1.1 403');
      expect(await raw(`http://user@evil.example/healthz`, [])).toContain('HTTP/1.1 403');
      expect(await raw(`${server.url}/healthz`, [], 'evil.example')).toContain('HTTP/1.1 200');
      expect(await raw('/healthz', [], 'evil.example')).toContain('HTTP/1.1 403');
    });
  });

  describe('failed logins', () => {
    const WRONG = bearer(newTokenText('0000000000000000'));
    const attempts = {
      REST: async (headers: Record<string, string>) =>
        (await server.request('GET', '/api/dtmsvr/newGid', undefined, headers)).status,
      'JSON-RPC': async (headers: Record<string, string>) => {
        const body = { jsonrpc: '2.0', id: 1, method: 'newGid', params: {} };
        return (await server.request('POST', '/api/json-rpc', body, headers)).status;
      },
      '/api/v1': async (headers: Record<string, string>) =>
        (await server.request('GET', '/api/v1/status', undefined, headers)).status,
      metrics: async (headers: Record<string, string>) =>
        (await server.request('GET', '/api/metrics', undefined, headers)).status,
      'dtmgimp.Dtm': async (metadata: Record<string, string>) => {
        using client = new GrpcClient(server.running.grpcAddress);
        return (await client.call('NewGid', {}, { metadata })).code;
      },
      'holdfast.v1': async (metadata: Record<string, string>) => {
        using client = new GrpcClient(server.running.grpcAddress, 'holdfast');
        return (await client.call('GetStatus', {}, { metadata })).code;
      },
    };

    it.each(Object.keys(attempts) as (keyof typeof attempts)[])(
      'over %s slow down, and do not hurt callers with a valid token at the same address',
      async (transport) => {
        const attempt = attempts[transport];
        const { token } = await server.token('submitter');
        const isGrpc = transport.includes('.');
        for (let failures = 0; failures < 7; failures++) expect(await attempt(WRONG)).toBe(isGrpc ? 16 : 401);
        const startedMs = performance.now();
        let isHeld = true;
        const held = attempt(WRONG).finally(() => (isHeld = false));
        for (const each of Object.values(attempts)) expect([0, 200]).toContain(await each(bearer(token)));
        for (let calls = 0; calls < 3; calls++) expect(await attempt(bearer(token))).toBe(isGrpc ? 0 : 200);
        const validMs = performance.now() - startedMs;
        expect(await held).toBe(isGrpc ? 16 : 401);
        const heldMs = performance.now() - startedMs;
        // The eighth failure is held back for 400 ms.
        expect(heldMs).toBeGreaterThanOrEqual(395);
        expect(isHeld).toBe(false);
        expect(validMs).toBeLessThan(9 * 400);
      },
    );
  });
});
