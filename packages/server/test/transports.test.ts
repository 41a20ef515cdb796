import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CallContext, Coordinator, PassOutcome } from '@holdfast/core';
import { ANONYMOUS, ERROR_CODES, HoldfastError } from '@holdfast/protocol';
import { type ServerConfig, SILENT } from '@holdfast/server';
import { TestServer, TransportServer } from './support/running-server.ts';

const PASSED: PassOutcome = {
  status: 'succeed',
  waited: false,
  rollbackReason: '',
  lastResult: undefined,
  view: () => {
    throw new Error('this test shows none');
  },
};
const saga = { gid: 'g', trans_type: 'saga', steps: [], payloads: [] };

/** A submit with header lines that `fetch` would join. */
async function sendRaw(url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const body = JSON.stringify(saga);
  const socket = connect(Number(port), hostname);
  const head = ['POST /api/dtmsvr/submit HTTP/1.1', `Host: ${host}`, ...lines, `Content-Length: ${body.length}`];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const [response] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return response.toString('latin1');
}

describe('an error of the coordinator', () => {
  const failing = (error: Error) => TransportServer.start({ newGid: () => 'n', submit: () => Promise.reject(error) });

  it.each([
    ['invalid', 400, -32603],
    ['too_large', 413, -32603],
    ['not_found', 404, -32603],
    ['refused', 409, -32901],
    ['exists', 409, -32901],
    ['wrong_pattern', 409, -32901],
    ['unauthenticated', 401, -32603],
    ['forbidden', 403, -32603],
    ['too_many_requests', 429, -32603],
    ['deadline_exceeded', 504, -32603],
    ['unavailable', 503, -32603],
    ['overloaded', 503, -32603],
    ['internal', 500, -32603],
  ] as const)('%s has its status on every transport', async (code, status, rpcCode) => {
    expect(ERROR_CODES).toContain(code);
    await using server = await failing(
      new HoldfastError(code, 'FAILURE of g', { gid: 'g', field: ['steps'], status: 'aborting' }),
    );
    const [rest, rpc, v1] = [
      await server.dtm('submit', saga),
      await server.rpc('submit', saga),
      await server.post('/api/v1/transactions', { gid: 'g', pattern: 'saga', steps: [{ action: 'http://a/' }] }),
    ];
    expect([rest.status, rpc.status, v1.status]).toEqual([status, 200, status]);
    const isFailure = status === 409;
    expect(rest.json.dtm_result).toBe(isFailure ? 'FAILURE' : undefined);
    // Clients search for the word in the body of any response.
    expect(rest.text.includes('FAILURE')).toBe(isFailure);
    expect(rpc.json.error.code).toBe(rpcCode);
    expect(v1.json).toMatchObject({ code, status, gid: 'g' });
    for (const { headers } of [rest, v1]) {
      expect(headers.get('retry-after')).toBe(status === 503 || status === 429 ? '1' : null);
      expect(headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer realm="holdfast"' : null);
    }
  });

  it('that is an internal error has its text only in the log', async () => {
    const logged: unknown[] = [];
    const log = { ...SILENT, error: (fields: Readonly<Record<string, unknown>>) => logged.push(fields['err']) };
    const defect = new TypeError('secret detail');
    const submit = () => Promise.reject(defect);
    await using server = await TransportServer.start({ submit }, { log });
    for (const { status, text } of [await server.dtm('submit', saga), await server.rpc('submit', saga)]) {
      expect([200, 500]).toContain(status);
      expect(text).toContain('internal error');
      expect(text).not.toContain('secret');
    }
    expect(logged).toEqual([defect, defect]);
  });
});

describe('the caller', () => {
  it('is anonymous in the default namespace', async () => {
    let seen: CallContext | undefined;
    await using server = await TransportServer.start({
      submit: (context) => {
        seen = context;
        return Promise.resolve(PASSED);
      },
    });
    await server.dtm('submit', saga);
    expect(seen).toMatchObject({ principal: ANONYMOUS, namespace: 'default' });
  });

  it.each(['own', 'node'] as const)(
    'has a trace context if its header fields are valid (%s reader)',
    async (reader) => {
      const seen: (CallContext['trace'] | null)[] = [];
      await using server = await TransportServer.start(
        {
          submit: (context) => {
            seen.push(context.trace ?? null);
            return Promise.resolve(PASSED);
          },
        },
        { requestReader: reader },
      );
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const submit = (headers: Record<string, string>) => server.request('POST', '/api/dtmsvr/submit', saga, headers);
      await submit({ traceparent });
      await submit({ TraceParent: traceparent, TraceState: ' a=1, b=2' });
      await submit({ traceparent, tracestate: 'A=1' });
      await submit({ traceparent: 'nonsense', tracestate: 'a=1' });
      await submit({});
      await sendRaw(server.url, [`traceparent: ${traceparent}`, 'tracestate: a=1', 'tracestate: b=2']);
      await sendRaw(server.url, [`traceparent: ${traceparent}`, `traceparent: ${traceparent}`]);
      const both = { traceparent, tracestate: 'a=1,b=2' };
      expect(seen).toEqual([{ traceparent }, both, { traceparent }, null, null, both, null]);
    },
  );

  it.each(['own', 'node'] as const)('may state a deadline for the response (%s reader)', async (reader) => {
    const seen: (number | undefined)[] = [];
    await using server = await TransportServer.start(
      {
        submit: (context) => {
          const { deadlineMs } = context;
          seen.push(deadlineMs === undefined ? undefined : Math.round((deadlineMs - performance.now()) / 100_000));
          return Promise.resolve(PASSED);
        },
      },
      { requestReader: reader },
    );
    const submit = (headers: Record<string, string>) => server.request('POST', '/api/dtmsvr/submit', saga, headers);
    await submit({ 'request-timeout-ms': '500000' });
    await submit({ 'Request-Timeout-Ms': '999999999' });
    await submit({});
    expect(seen).toEqual([5, 10_000, undefined]);
    for (const wrong of ['-1', '1.5', '1e3', '1s', '', '1000000000']) {
      const { status, json } = await submit({ 'request-timeout-ms': wrong });
      expect([status, json.code]).toEqual([400, 'invalid']);
      expect(json.message).toContain('Request-Timeout-Ms must be');
    }
    // A timeout that is ignored would execute a request that its client has abandoned.
    expect(await sendRaw(server.url, ['Request-Timeout-Ms: 1', 'Request-Timeout-Ms: 1'])).toContain(' 400 ');
    expect(seen).toHaveLength(3);
  });

  it('aborts the signal of its request by disconnecting', async () => {
    let context: CallContext | undefined;
    let arrived: () => void = () => {};
    const waiting = new Promise<void>((resolve) => (arrived = resolve));
    const aborted = new Promise<void>((resolve) => {
      void waiting.then(() => context?.signal?.addEventListener('abort', () => resolve()));
    });
    await using server = await TransportServer.start({
      wait: (requested) => {
        context = requested;
        arrived();
        return new Promise(() => {});
      },
    });
    const abort = new AbortController();
    const requested = fetch(`${server.url}/api/v1/transactions/g?waitMs=10000`, { signal: abort.signal });
    await waiting;
    abort.abort();
    await expect(requested).rejects.toThrow('abort');
    await aborted;
  });
});

describe('the HTTP server', () => {
  const idle: Partial<Coordinator> = {
    newGid: () => 'n',
    submit: () => Promise.resolve(PASSED),
    ready: () => Promise.resolve(),
  };

  it('responds to an unknown path with the most similar one', async () => {
    await using server = await TransportServer.start(idle);
    const { status, json } = await server.post('/api/dtmsvr/sumbit', saga);
    expect([status, json.nearest]).toEqual([404, '/api/dtmsvr/submit']);
    expect(json.message).toContain('/api/dtmsvr/submit');
    expect(json.code).toBe('not_found');
    const v1 = await server.get('/api/v1/transaction');
    expect([v1.status, v1.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    expect(v1.json).toMatchObject({ status: 404, code: 'not_found', nearest: '/api/v1/transactions' });
    expect((await server.get('/entirely/elsewhere/and/very/far/away')).json.nearest).toBeUndefined();
  });

  it('responds to a wrong method with the allowed ones', async () => {
    await using server = await TransportServer.start(idle);
    const { status, headers, json } = await server.get('/api/dtmsvr/submit');
    expect([status, headers.get('allow'), json.code]).toEqual([405, 'POST', 'invalid']);
    const v1 = await server.request('PUT', '/api/v1/transactions');
    expect(v1.headers.get('allow')).toBe('POST, GET, HEAD');
    expect(v1.json).toMatchObject({ title: 'The path does not support this method', code: 'invalid' });
    expect((await server.request('GET', '/api/v1/transactions/g/retry')).headers.get('allow')).toBe('POST');
  });

  it('responds to HEAD wherever GET is served, with the same head and no body', async () => {
    await using server = await TransportServer.start(idle);
    for (const path of ['/healthz', '/readyz', '/api/metrics', '/api/dtmsvr/version', '/api/v1/gid', '/api/ping']) {
      const [get, head] = [await server.get(path), await server.request('HEAD', path)];
      expect([path, head.status, head.text]).toEqual([path, get.status, '']);
      for (const field of ['content-type', 'content-length'])
        expect(head.headers.get(field)).toBe(get.headers.get(field));
    }
    expect((await server.request('HEAD', '/nowhere')).status).toBe(404);
    expect((await server.request('HEAD', '/api/dtmsvr/submit')).status).toBe(405);
    expect((await server.request('DELETE', '/api/dtmsvr/version')).headers.get('allow')).toBe('GET, HEAD');
    expect((await server.request('HEAD', '/api/dtmsvr/subscribe?topic=a&url=http://b/')).status).toBe(405);
  });

  it('responds to a body that is not JSON with the position of the fault', async () => {
    await using server = await TransportServer.start(idle);
    const broken = await server.dtm('submit', '{"gid":"g",}');
    expect([broken.status, broken.json.message]).toEqual([400, 'the body is not JSON: unexpected "}" at position 11']);
    expect((await server.dtm('submit', '{"gid":"g"')).json.message).toContain('ends too early, at position 10');
    expect((await server.dtm('submit', '')).json.message).toContain('the body is empty');
    expect((await server.dtm('submit', '[]')).status).toBe(400);
  });

  it.each([
    ['announced', (text: string) => text],
    ['not announced', (text: string) => new Blob([text]).stream()],
  ])('rejects a body beyond its limit whose length is %s', async (_, bodyOf) => {
    await using server = await TransportServer.start(idle, { maxBodyBytes: 1_000 });
    const send = async (length: number) => {
      const text = JSON.stringify({ ...saga, custom_data: '' }).padEnd(length);
      const init = { method: 'POST', body: bodyOf(text), duplex: 'half' };
      return (await fetch(`${server.url}/api/dtmsvr/submit`, init as RequestInit)).status;
    };
    expect(await send(1_000)).toBe(200);
    expect(await send(1_001)).toBe(413);
    expect(await send(3_000_000)).toBe(413);
    expect(await send(100)).toBe(200);
  });

  it('rejects headers beyond its limit', async () => {
    await using server = await TransportServer.start(idle);
    const response = await server.request('GET', '/healthz', undefined, { 'x-long': 'x'.repeat(20_000) });
    expect(response.status).toBe(431);
  });

  it('responds to input that is not HTTP with 400, and closes the connection', async () => {
    await using server = await TransportServer.start(idle);
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end('what is this?\r\n\r\n');
    const [response] = (await once(socket, 'data')) as [Buffer];
    expect(response.toString()).toMatch(/^HTTP\/1\.1 400 /);
    await once(socket, 'close');
  });

  it.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'Same-Origin' },
    { 'sec-fetch-site': 'same-origin, cross-site' },
    { 'sec-fetch-site': '' },
  ])('rejects requests that the page of another site makes a browser send: %j', async (headers) => {
    await using server = await TransportServer.start(idle);
    expect((await server.request('POST', '/api/dtmsvr/submit', saga, headers)).status).toBe(403);
  });

  it('accepts requests of its pages', async () => {
    await using server = await TransportServer.start(idle);
    expect((await server.request('POST', '/api/dtmsvr/submit', saga, { origin: server.url })).status).toBe(200);
  });
});

/** Sends a request as it is, which `fetch` would not; resolves with the status. */
async function statusOf(url: string, request: string): Promise<number> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(request);
  const [response] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(response.toString('latin1', 9, 12));
}

describe('the Host of a request', () => {
  const start = (values: Partial<ServerConfig> = {}) => TestServer.start(values);
  // The second one is read by node:http.
  const requests = (host: string) => [
    `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  ];

  it.each(['localhost', '127.0.0.1:36789', '[::1]:1', 'LocalHost.:80', '127.1.2.3'])(
    'is accepted on loopback: %s',
    async (host) => {
      await using server = await start();
      for (const request of requests(host)) expect(await statusOf(server.url, request)).toBe(200);
    },
  );

  it.each(['evil.example', 'localhost.evil.example:36789', '10.0.0.1', 'a@127.0.0.1', '', '0x7f.1'])(
    'is rejected on loopback when it is %j, a name that may resolve to this machine',
    async (host) => {
      await using server = await start();
      for (const request of requests(host)) expect(await statusOf(server.url, request)).toBe(403);
    },
  );

  it('is rejected when there are two, because a proxy may use the other one', async () => {
    await using server = await start();
    const two = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n';
    expect(await statusOf(server.url, two)).toBe(403);
  });

  it('is accepted when it is configured, on any port', async () => {
    await using server = await start({ allowedHosts: ['tx.example'] });
    for (const request of requests('TX.example:443')) expect(await statusOf(server.url, request)).toBe(200);
    for (const request of requests('evil.example')) expect(await statusOf(server.url, request)).toBe(403);
    await using open = await start({ allowedHosts: ['*'] });
    for (const request of requests('evil.example')) expect(await statusOf(open.url, request)).toBe(200);
  });

  it('may be any beyond loopback until names are configured, and then one of them or an address', async () => {
    await using open = await start({ host: '0.0.0.0', insecure: true });
    for (const request of requests('tx.svc')) expect(await statusOf(open.url, request)).toBe(200);
    await using server = await start({ host: '0.0.0.0', insecure: true, allowedHosts: ['tx.svc'] });
    for (const host of ['tx.svc', '10.0.0.1:80', '[fd00::1]', 'localhost'])
      for (const request of requests(host)) expect([host, await statusOf(server.url, request)]).toEqual([host, 200]);
    for (const request of requests('evil.example')) expect(await statusOf(server.url, request)).toBe(403);
  });
});

describe('a GET of dtm that changes something', () => {
  const path = '/api/dtmsvr/subscribe?topic=paid&url=http://mail/';
  const browsers: readonly Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Safari/605.1.15' },
  ];

  it('is served to clients other than browsers', async () => {
    await using server = await TestServer.start();
    expect((await server.get(path)).status).toBe(200);
  });

  it.each(browsers)('is rejected when a browser sends it: %j', async (headers) => {
    await using server = await TestServer.start();
    expect((await server.request('GET', path, undefined, headers)).status).toBe(403);
    expect((await server.request('GET', '/api/dtmsvr/resetCronTime', undefined, headers)).status).toBe(403);
    expect((await server.get('/api/dtmsvr/scanKV?cat=topics')).json.kv).toEqual([]);
    // A page of the coordinator itself may still read, and change by POST.
    expect((await server.request('GET', '/api/dtmsvr/all', undefined, headers)).status).toBe(200);
    expect((await server.request('POST', path, undefined, headers)).status).toBe(200);
  });

  it('is rejected for all clients when it is switched off', async () => {
    await using server = await TestServer.start({ dtmGetCommands: false });
    const { status, headers, json } = await server.get(path);
    expect([status, headers.get('allow'), json.code]).toEqual([405, 'POST', 'invalid']);
    expect((await server.post(path)).status).toBe(200);
  });
});

describe('monitoring', () => {
  it('receives the liveness of the process without a query to the store', async () => {
    await using server = await TransportServer.start({});
    expect((await server.get('/healthz')).status).toBe(200);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      expect((await server.request(method, '/api/ping')).json).toEqual({ msg: 'pong' });
  });

  it('receives readiness only when the store reports it in time', async () => {
    let ready: () => Promise<void> = () => Promise.resolve();
    await using server = await TransportServer.start({ ready: () => ready() });
    expect((await server.get('/readyz')).status).toBe(200);
    ready = () => Promise.reject(new HoldfastError('unavailable', 'the store is away'));
    const away = await server.get('/readyz');
    expect([away.status, away.json.message]).toEqual([503, 'the store is away']);
    ready = () => new Promise(() => {});
    expect((await server.get('/readyz')).status).toBe(503);
  });

  it('receives metrics as text', async () => {
    await using server = await TransportServer.start({});
    const { text, headers } = await server.get('/api/metrics');
    expect([text, headers.get('content-type')]).toEqual(['x 1\n', 'text/plain']);
  });
});
