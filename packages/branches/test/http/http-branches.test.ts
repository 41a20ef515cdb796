import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { URL_COORDINATES_HEADER } from '@holdfast/protocol';
import {
  type BranchRouter,
  ConnectionPools,
  type ConnectionPoolsOptions,
  MAX_KEPT_BYTES,
  undiciClient,
} from '@holdfast/branches';
import { always, BranchServer } from '@holdfast/testing/participant';
import { branchRequest, bytes } from '../support/requests.ts';
import { branchRouter } from '../support/routers.ts';

describe.each(['own', 'undici'] as const)('a branch called over HTTP by the client %s', (client) => {
  let connect: Pick<ConnectionPoolsOptions, 'connectTo'> = {};
  beforeAll(async () => {
    if (client === 'undici') connect = { connectTo: await undiciClient() };
  });

  let server: BranchServer;
  let router: BranchRouter;

  beforeEach(async () => {
    server = await BranchServer.start();
    router = branchRouter(new ConnectionPools(connect));
  });
  afterEach(async () => {
    await router.close();
    await server[Symbol.asyncDispose]();
  });

  const call = (changes = {}, path = '/debit') => router.call(branchRequest(server.url + path, changes));

  it('gets the payload by POST as JSON, with the coordinates of the transaction added to its own query', async () => {
    const result = await call(
      { payload: bytes('{"amount":30}'), gid: 'order 1/ü', branchId: '02', op: 'compensate' },
      '/debit?shop=7',
    );
    expect(result).toEqual({ kind: 'SUCCESS', reason: '' });
    const [seen] = server.seen;
    expect(seen?.method).toBe('POST');
    expect(seen?.body).toBe('{"amount":30}');
    expect(seen?.headers['content-type']).toBe('application/json');
    expect(Object.fromEntries(seen?.url.searchParams ?? [])).toEqual({
      shop: '7',
      gid: 'order 1/ü',
      trans_type: 'saga',
      branch_id: '02',
      op: 'compensate',
    });
  });

  it.each([
    ['saga', 'compensate', 'first'],
    ['msg', 'action', 'first'],
    ['msg', 'msg', 'last'],
    ['tcc', 'cancel', 'last'],
    ['xa', 'commit', 'last'],
    ['workflow', 'order', 'last'],
  ] as const)(
    'of a %s gets the URL of an earlier version as it was, and for %s a header that states which parameters count: the %s',
    async (pattern, op, which) => {
      await call({ pattern, op, gid: 'real' }, '/debit?gid=42&%6Fp=x');
      const [seen] = server.seen;
      expect(seen?.url.search).toBe(`?gid=42&%6Fp=x&gid=real&trans_type=${pattern}&branch_id=01&op=${op}`);
      expect(seen?.headers[URL_COORDINATES_HEADER]).toBe(which);
      await call({ pattern, op, headers: { [URL_COORDINATES_HEADER]: 'first' } }, '/debit?shop=7');
      expect(server.seen[1]?.headers[URL_COORDINATES_HEADER]).toBeUndefined();
    },
  );

  it('is called by GET when there is no payload', async () => {
    await call();
    expect(server.seen[0]?.method).toBe('GET');
    expect(server.seen[0]?.headers['content-type']).toBe('application/json');
  });

  it('is always called by POST for xa', async () => {
    await call({ pattern: 'xa', op: 'commit' });
    expect(server.seen[0]?.method).toBe('POST');
    expect(server.seen[0]?.body).toBe('');
  });

  it('gets the branch headers, which may replace the content type but not what belongs to the connection', async () => {
    await call({
      headers: {
        'X-Tenant': 'acme',
        'Content-Type': 'application/x-order',
        Host: 'elsewhere',
        'Content-Length': '5',
        Connection: 'close',
        'Accept-Encoding': 'gzip',
      },
    });
    expect(server.seen[0]?.headers).toMatchObject({ 'x-tenant': 'acme', 'content-type': 'application/x-order' });
    expect(server.seen[0]?.headers.host).not.toBe('elsewhere');
    expect(server.seen[0]?.headers.connection).toBe('keep-alive');
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity');
  });

  it.each([
    ['value', { 'x-a': 'one\r\nx-b: two' }],
    ['value', { 'x-a': 'nul\0' }],
    ['name', { 'x-a: 1\r\nx-b': 'two' }],
    ['name', { '': 'empty' }],
  ])('is not called when a header %s would smuggle something in', async (part, headers) => {
    const result = await call({ headers });
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain('branch_headers');
    expect(result.reason).toContain(part);
    expect(server.seen).toEqual([]);
  });

  it('sends the credentials of the URL as basic authorization', async () => {
    const url = server.url.replace('http://', 'http://shop:p%40ss@');
    await router.call(branchRequest(`${url}/debit`));
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('shop:p@ss').toString('base64')}`);
  });

  it.each([
    [200, '', 'SUCCESS'],
    [201, '{"id":1}', 'SUCCESS'],
    [204, '', 'SUCCESS'],
    [202, '', 'ONGOING'],
    [425, '', 'ONGOING'],
    [409, '{"message":"sold out"}', 'FAILURE'],
    [500, '', 'UNKNOWN'],
    [200, '{"dtm_result":"FAILURE"}', 'FAILURE'],
  ])('means with %i and %j: %s', async (status, body, kind) => {
    server.respond = always(status, body);
    expect((await call()).kind).toBe(kind);
  });

  it('is UNKNOWN when the response is compressed, because the deciding word may be in the body', async () => {
    server.respond = (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"dtm_result":"FAILURE"}'));
    const result = await call();
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain('compressed');
  });

  it('is not followed when it redirects', async () => {
    server.respond = (response) => response.writeHead(302, { location: '/elsewhere' }).end();
    expect(await call()).toEqual({ kind: 'UNKNOWN', reason: 'HTTP 302' });
    expect(server.seen).toHaveLength(1);
  });

  it('reports as the reason of a failure the body of the response, joined from any number of pieces', async () => {
    server.respond = (response) => {
      const text = Buffer.from('{"message":"ausverkauft – größer"}');
      response.writeHead(409);
      for (const byte of text) response.write(Buffer.of(byte));
      response.end();
    };
    expect(await call()).toEqual({ kind: 'FAILURE', reason: '{"message":"ausverkauft – größer"}' });
  });

  it('has an unknown result when it does not respond in time, and its connection is closed', async () => {
    let closed: Promise<unknown> | undefined;
    server.respond = (response) => {
      closed = once(response, 'close');
    };
    const result = await call({ timeoutMs: 40 });
    expect(result).toEqual({ kind: 'UNKNOWN', reason: 'no response within 40 ms' });
    await closed;
  });

  it('may be given longer than one timer of Node can wait', async () => {
    expect((await call({ timeoutMs: 100 * 365 * 24 * 3_600_000 })).kind).toBe('SUCCESS');
  });

  it('has an unknown result when its response never ends', async () => {
    server.respond = (response) => {
      response.writeHead(200);
      response.write('{"dtm_result":');
    };
    expect(await call({ timeoutMs: 40 })).toEqual({ kind: 'UNKNOWN', reason: 'no response within 40 ms' });
  });

  it('has an unknown result when no server listens there', async () => {
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const result = await router.call(branchRequest(`${url}/debit`));
    server = await BranchServer.start();
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain('ECONNREFUSED');
  });

  it('has an unknown result when it hangs up or talks nonsense', async () => {
    const nonsense = createServer((socket) =>
      socket.on('data', () => socket.end('what?\r\n\r\n')).on('error', () => {}),
    );
    await once(nonsense.listen(0, '127.0.0.1'), 'listening');
    const { port } = nonsense.address() as AddressInfo;
    const result = await router.call(branchRequest(`http://127.0.0.1:${port}/`));
    nonsense.close();
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).not.toBe('');
  });

  describe('whose response is too long to be read whole', () => {
    const long = 'x'.repeat(MAX_KEPT_BYTES + 1);

    it('is judged by its status', async () => {
      server.respond = always(200, `{"data":"${long}"}`);
      expect((await call()).kind).toBe('SUCCESS');
      server.respond = always(409, `{"data":"${long}"}`);
      expect((await call()).kind).toBe('FAILURE');
    });

    it.each([
      ['as JSON', `{"data":"${long}","dtm_result":"FAILURE"}`, 'FAILURE'],
      ['as JSON, at its beginning', `{"dtm_result":"ONGOING","data":"${long}"}`, 'ONGOING'],
      ['as text', `${long} FAILURE`, 'FAILURE'],
      ['as text, over the bound', `${'x'.repeat(MAX_KEPT_BYTES - 3)}FAILURE`, 'FAILURE'],
      ['as JSON that only mentions a word', `{"note":"FAILURE","data":"${long}"}`, 'SUCCESS'],
    ])('has the result of the word that decides, wherever it is: %s', async (_, body, kind) => {
      server.respond = always(200, body);
      expect((await call()).kind).toBe(kind);
    });

    it('is UNKNOWN when it does not end', async () => {
      const closed = new Promise((resolve) => {
        server.respond = (response) => {
          response.once('close', resolve);
          const more = (): void => {
            while (!response.destroyed && response.write(long));
          };
          response.on('drain', more);
          more();
        };
      });
      expect(await call()).toMatchObject({ kind: 'UNKNOWN', reason: 'the response is longer than 16777216 bytes' });
      await closed;
    });
  });

  it('is UNKNOWN when its response may have been cut off, since nothing but the connection ends it', async () => {
    server.respond = (response) => response.socket?.end('HTTP/1.1 200 OK\r\n\r\n{"note":"sold out","dtm_resu');
    const result = await call();
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain('cut off');
    server.respond = (response) => response.socket?.end('HTTP/1.0 200 OK\r\n\r\n{"dtm_result":"SUCCESS"}');
    expect((await call()).kind).toBe('SUCCESS');
  });

  it('is not sent at all when its time was over before it got a connection', async () => {
    await router.close();
    router = branchRouter(new ConnectionPools({ ...connect, settings: { connections: 1 } }));
    let first: Promise<unknown> | undefined;
    const respondToFirst = await new Promise<() => void>((received) => {
      server.respond = (response) => received(() => response.end());
      first = call({ gid: 'first' });
    });
    const late = await call({ gid: 'late', timeoutMs: 20 });
    server.respond = (response) => response.end();
    const third = call({ gid: 'third' });
    respondToFirst();
    await Promise.all([first, third]);
    expect(late.reason).toBe('no response within 20 ms');
    expect(server.seen.map(({ url }) => url.searchParams.get('gid'))).toEqual(['first', 'third']);
  });

  it('is reached over connections that are used again', async () => {
    const ports = new Set<number | undefined>();
    server.respond = (response) => {
      ports.add(response.socket?.remotePort);
      response.end();
    };
    for (let index = 0; index < 50; index++) await call();
    // The next call may start before undici has put the connection back.
    expect(ports.size).toBeLessThanOrEqual(2);
  });
});
