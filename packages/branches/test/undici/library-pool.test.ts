import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { makeCertificate } from '@holdfast/testing/servers';
import { type BranchHttpCall, HTTP_CLIENT_SETTINGS, type HttpPoolSettings } from '@holdfast/branches';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { HttpResponse } from '../../src/http1/response-parser.ts';
import type { Destroyable } from '../../src/http1/http-connection.ts';
import { Names } from '../../src/names/names.ts';
import { LibraryPool } from '../../src/undici/library-pool.ts';
import { type Peer, RawServer } from '../support/raw-server.ts';

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const responding =
  (response: string): Peer =>
  (socket) =>
    socket.write(response, 'latin1');

const pools: LibraryPool[] = [];
function poolOf(origin: string, settings: Partial<HttpPoolSettings> = {}): LibraryPool {
  const pool = new LibraryPool(origin, { ...HTTP_CLIENT_SETTINGS, ...settings });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.destroy()));
});

/** A call whose response or error the test awaits. */
class Call implements BranchHttpCall {
  readonly request;
  readonly bytes = Buffer.alloc(0);
  connection: Destroyable | undefined;
  readonly result: Promise<string>;
  #settle!: (result: string) => void;

  constructor(path: string) {
    this.request = { method: 'GET', path, host: 'a', headers: 'x-a: 1\r\n', body: null } as const;
    this.result = new Promise((resolve) => (this.#settle = resolve));
  }

  sentOver(connection: Destroyable | undefined): void {
    this.connection = connection;
  }

  responded({ status, body }: HttpResponse): void {
    this.#settle(`${status} ${body}`);
  }

  failed(error: Error): void {
    this.#settle(`failed: ${error.message}`);
  }
}

function send(pool: LibraryPool, path = '/'): Call {
  const call = new Call(path);
  pool.send(call);
  return call;
}

describe('the connections to one origin by undici', () => {
  it('are used again, one call at a time, and no more of them are opened than are allowed', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin, { connections: 2 });
    const calls = Array.from({ length: 20 }, () => send(pool));
    expect(await Promise.all(calls.map(({ result }) => result))).toEqual(Array.from({ length: 20 }, () => '200 ok'));
    expect(server.sockets).toHaveLength(2);
  });

  it('send the same head, but for the order of its fields', async () => {
    let seen = '';
    await using server = await RawServer.start((socket, text) => {
      seen = text;
      socket.write(RESPONSE);
    });
    await send(poolOf(server.origin), '/debit?a=%20b').result;
    expect(
      seen
        .split('\r\n')
        .filter((line) => line !== '')
        .toSorted(),
    ).toEqual([
      'GET /debit?a=%20b HTTP/1.1',
      'accept-encoding: identity',
      'connection: keep-alive',
      'host: a',
      'x-a: 1',
    ]);
  });

  it.each<[string, Peer]>([
    ['ends', (socket) => socket.end()],
    ['is reset', (socket) => socket.resetAndDestroy()],
    ['says that it had waited for too long', (socket) => socket.end('HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n')],
  ])('give a call that met their end to a new one, once, when the one that %s had been used before', async (_, end) => {
    let requests = 0;
    await using server = await RawServer.start((socket) =>
      ++requests === 1 ? socket.write(RESPONSE) : end(socket, ''),
    );
    const pool = poolOf(server.origin, { connections: 1 });
    expect(await send(pool).result).toBe('200 ok');
    // The repetition meets an end as well, over a connection that had not been used before.
    expect(await send(pool).result).toMatch(/^failed: |^408/);
    expect(requests).toBe(3);
    server.peer = responding(RESPONSE);
    expect(await send(pool).result).toBe('200 ok');
    server.peer = (socket) => {
      server.peer = responding(RESPONSE);
      return end(socket, '');
    };
    expect(await send(pool).result).toBe('200 ok');
  });

  it('do not repeat a call whose first connection was lost, nor one after a part of its response has come', async () => {
    let requests = 0;
    await using server = await RawServer.start((socket) => {
      requests++;
      socket.end(
        requests === 1
          ? ''
          : requests === 2
            ? RESPONSE.replace('\r\n', '\r\nConnection: keep-alive\r\n')
            : 'HTTP/1.1 200 OK\r\nContent-Le',
      );
    });
    const pool = poolOf(server.origin, { connections: 1 });
    expect(await send(pool).result).toMatch(/^failed: /);
    expect(requests).toBe(1);
  });

  it('do not repeat a call whose time is over', async () => {
    let requests = 0;
    let isRequested!: () => void;
    const requestedAgain = new Promise<void>((resolve) => (isRequested = resolve));
    await using server = await RawServer.start((socket) => (++requests === 1 ? socket.write(RESPONSE) : isRequested()));
    const pool = poolOf(server.origin, { connections: 1 });
    await send(pool).result;
    const late = send(pool);
    await requestedAgain;
    late.connection?.destroy(new Error('timed out'));
    expect(await late.result).toBe('failed: timed out');
    server.peer = responding(RESPONSE);
    expect(await send(pool).result).toBe('200 ok');
    expect(requests).toBe(2);
  });

  it('are not used again when another response comes right behind the requested one', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin, { connections: 1 });
    await send(pool).result;
    const [first] = server.sockets;
    first?.write(RESPONSE.replace('ok', 'no'));
    await once(first as NonNullable<typeof first>, 'close');
    expect(await send(pool).result).toBe('200 ok');
    server.peer = responding(RESPONSE + RESPONSE.replace('ok', 'no'));
    const both = [send(pool), send(pool)];
    expect(await Promise.all(both.map(({ result }) => result))).toEqual(['200 ok', '200 ok']);
  });

  it('are made by the names of our resolver, to whichever address accepts', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const lookedUp: string[] = [];
    const names = new Names({
      resolve: (name) => {
        lookedUp.push(name);
        return {
          // No server listens at 127.0.0.2 on this port.
          result: Promise.resolve({ addresses: ['127.0.0.2', '127.0.0.1'], keepMs: 1_000 }),
          cancel: () => undefined,
        };
      },
    });
    const pool = poolOf(server.origin.replace('127.0.0.1', 'service.example'), { names });
    expect(await send(pool).result).toBe('200 ok');
    expect(lookedUp).toEqual(['service.example']);
  });

  it('fail each call when no server listens there', async () => {
    const server = await RawServer.start(responding(RESPONSE));
    const { origin } = server;
    await server[Symbol.asyncDispose]();
    const pool = poolOf(origin, { connections: 1 });
    const results = await Promise.all([send(pool).result, send(pool).result, send(pool).result]);
    for (const result of results) expect(result).toContain('ECONNREFUSED');
  });

  it('fail a call when they are not made in time', async () => {
    // Accepts the connection and never sends its part of the handshake.
    await using mute = await RawServer.start(() => {});
    const pool = poolOf(mute.origin.replace('http:', 'https:'), { connectTimeoutMs: 30 });
    expect(await send(pool).result).toBe('failed: not connected within 30 ms');
  });

  it('do not send what was cancelled before there was one', async () => {
    const seen: string[] = [];
    await using server = await RawServer.start((socket, text) => {
      seen.push(text.split(' ', 2)[1] ?? '');
      socket.write(RESPONSE);
    });
    const pool = poolOf(server.origin, { connections: 1 });
    const [first, second, third] = [send(pool, '/first'), send(pool, '/second'), send(pool, '/third')];
    pool.cancel(second);
    expect(await Promise.all([first.result, second.result, third.result])).toEqual([
      '200 ok',
      'failed: cancelled before it was sent',
      '200 ok',
    ]);
    expect(seen).toEqual(['/first', '/third']);
  });

  it('end all at once, and the calls in progress or waiting have failed by then', async () => {
    await using server = await RawServer.start(() => {});
    const pool = poolOf(server.origin, { connections: 1 });
    const results: string[] = [];
    for (const { result } of [send(pool), send(pool)]) void result.then((text) => results.push(text));
    await pool.destroy();
    expect(results).toEqual(['failed: the connections were closed', 'failed: the connections were closed']);
    expect(await send(pool).result).toBe('failed: the connections were closed');
  });
});

describeWith(['openssl'], 'connections by undici over TLS', () => {
  let key: Buffer;
  let cert: Buffer;
  beforeAll(async () => {
    const made = await makeCertificate();
    if (made === undefined) throw new Error('openssl is not installed');
    [key, cert] = [readFileSync(made.key), readFileSync(made.certificate)];
    await made.remove();
  });

  it.each(['127.0.0.1', 'localhost'])(
    'reach an origin whose certificate is trusted, and no other: %s',
    async (host) => {
      await using server = await RawServer.start(responding(RESPONSE), { key, cert });
      const origin = `https://${host}:${server.port}`;
      const pool = poolOf(origin, { connections: 1, tls: { ca: cert } });
      expect(await send(pool).result).toBe('200 ok');
      expect(await send(pool).result).toBe('200 ok');
      expect(server.sockets).toHaveLength(1);
      expect(await send(poolOf(origin)).result).toContain('self-signed certificate');
    },
  );

  it('fail each call when the settings for them cannot be used', async () => {
    await using server = await RawServer.start(responding(RESPONSE), { key, cert });
    const pool = poolOf(server.origin, { tls: { cert: 'no certificate' } });
    expect(await send(pool).result).toMatch(/^failed: /);
    expect(await send(pool).result).toMatch(/^failed: /);
  });
});
