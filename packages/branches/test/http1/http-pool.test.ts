import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { makeCertificate } from '@holdfast/testing/servers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HTTP_CLIENT_SETTINGS, HttpPool, type HttpPoolSettings, machine } from '@holdfast/branches';
import { describeWith } from '@holdfast/testing/describe-with';
import type { HttpResponse } from '../../src/http1/response-parser.ts';
import type { HttpCall, HttpConnection } from '../../src/http1/http-connection.ts';
import { Names } from '../../src/names/names.ts';
import { atEndOfTurn } from '../../src/event-loop/end-of-turn.ts';
import { type Peer, RawServer } from '../support/raw-server.ts';
import { ThreadedTlsServer } from '../support/threaded-tls-server.ts';

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const responding =
  (response: string): Peer =>
  (socket) =>
    socket.write(response, 'latin1');

const pools: HttpPool[] = [];
function poolOf(origin: string, settings: Partial<HttpPoolSettings> = {}): HttpPool {
  const pool = new HttpPool(origin, { ...HTTP_CLIENT_SETTINGS, ...settings }, machine);
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.destroy()));
});

/** A call whose response or error the test awaits. */
class Call implements HttpCall {
  readonly bytes: Buffer;
  connection: HttpConnection | undefined;
  readonly result: Promise<string>;
  #settle!: (result: string) => void;

  constructor(text = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n') {
    this.bytes = Buffer.from(text, 'latin1');
    this.result = new Promise((resolve) => (this.#settle = resolve));
  }

  sentOver(connection: HttpConnection | undefined): void {
    this.connection = connection;
  }

  responded({ status, body }: HttpResponse): void {
    this.#settle(`${status} ${body}`);
  }

  failed(error: Error): void {
    this.#settle(`failed: ${error.message}`);
  }
}

function send(pool: HttpPool, text?: string): Call {
  const call = new Call(text);
  pool.send(call);
  return call;
}

/** How long a connection rests after a response. */
const twoTurns = (): Promise<void> => new Promise((resolve) => atEndOfTurn(() => atEndOfTurn(resolve)));

/**
 * Sends a call over a rested connection and keeps the event loop busy until its response has
 * reached the client's receive buffer.
 */
async function sendAtEndOfTurn(pool: HttpPool): Promise<string> {
  await twoTurns();
  const call = await new Promise<Call>((resolve) =>
    atEndOfTurn(() => {
      const sent = send(pool);
      const startedMs = performance.now();
      while (performance.now() - startedMs < 20);
      resolve(sent);
    }),
  );
  return call.result;
}

/**
 * Keeps the event loop busy until a response without a request has reached the client's receive
 * buffer.
 */
function sendStray(server: RawServer): void {
  server.sockets.at(-1)?.write(RESPONSE.replace('ok', 'no'));
  const startedMs = performance.now();
  while (performance.now() - startedMs < 20);
}

describe('the connections to one origin', () => {
  it('are used again, one call at a time, and no more of them are opened than are allowed', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin, { connections: 2 });
    const calls = Array.from({ length: 20 }, () => send(pool));
    expect(await Promise.all(calls.map(({ result }) => result))).toEqual(Array.from({ length: 20 }, () => '200 ok'));
    expect(server.sockets).toHaveLength(2);
    await send(pool).result;
    expect(server.sockets).toHaveLength(2);
  });

  it('are two for a caller that makes one call right after the other, and one for calls with time between', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin);
    for (let i = 0; i < 5; i++) {
      await twoTurns();
      expect(await send(pool).result).toBe('200 ok');
    }
    expect(server.sockets).toHaveLength(1);
    for (let i = 0; i < 5; i++) expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it.each([
    ['says that it closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    [
      'says that it keeps it for too short a time',
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
    ],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ])('are not used again when the other side %s', async (_, response) => {
    await using server = await RawServer.start(responding(response));
    const pool = poolOf(server.origin);
    expect(await send(pool).result).toBe('200 ok');
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('are closed when they have been idle for their time', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin, { idleMs: 0 });
    await send(pool).result;
    pool.closeIdle();
    await once(server.sockets[0] as NonNullable<(typeof server.sockets)[0]>, 'close');
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('are forgotten when the other side closes them', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin);
    await send(pool).result;
    const [first] = server.sockets;
    first?.end();
    await once(first as NonNullable<typeof first>, 'close');
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('end when bytes come without a request', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin);
    await send(pool).result;
    const [first] = server.sockets;
    first?.write(RESPONSE);
    await once(first as NonNullable<typeof first>, 'close');
    expect(await send(pool).result).toBe('200 ok');
  });

  it('are not used again when another response comes right behind the requested one', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin, { connections: 1 });
    for (let round = 0; round < 5; round++) {
      const [first, waiting] = [send(pool), send(pool)];
      expect(await first.result).toBe('200 ok');
      sendStray(server);
      expect(await waiting.result).toBe('200 ok');
      sendStray(server);
      expect(await send(pool).result).toBe('200 ok');
    }
  });

  it('end when a response comes before a request has left that is not the first', async () => {
    let isStray = true;
    await using server = await RawServer.start((socket, text) => {
      if (text.startsWith('GET')) return socket.write(RESPONSE);
      if (isStray) socket.pause().write(RESPONSE.replace('ok', 'no'));
      else if (text.endsWith('!')) socket.write(RESPONSE);
      isStray = false;
      return undefined;
    });
    const pool = poolOf(server.origin, { connections: 1 });
    await send(pool).result;
    expect(await send(pool, `${'x'.repeat(32 * 1024 * 1024)}!`).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
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

  it('do not repeat a call after a part of its response has come', async () => {
    let requests = 0;
    await using server = await RawServer.start((socket) =>
      ++requests === 1 ? socket.write(RESPONSE) : socket.end('HTTP/1.1 2'),
    );
    const pool = poolOf(server.origin, { connections: 1 });
    await send(pool).result;
    expect(await send(pool).result).toBe('failed: the connection was closed before the response was complete');
    expect(requests).toBe(2);
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

  it('are made to whichever address of a name accepts', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const gone = await RawServer.start(responding(RESPONSE));
    await gone[Symbol.asyncDispose]();
    // No server listens at 127.0.0.2 on this port.
    const names = new Names({
      resolve: () => ({
        result: Promise.resolve({ addresses: ['127.0.0.2', '127.0.0.1'], keepMs: 1_000 }),
        cancel: () => undefined,
      }),
    });
    const pool = poolOf(server.origin.replace('127.0.0.1', 'service.example'), { names });
    expect(await send(pool).result).toBe('200 ok');
  });

  it.each([
    ['nonsense', 'what?\r\n\r\n', 'status line'],
    ['two responses to one request', RESPONSE + RESPONSE, 'more bytes came'],
  ])('end when the other side sends %s, and the call fails', async (_, response, reason) => {
    await using server = await RawServer.start(responding(response));
    const pool = poolOf(server.origin);
    expect(await send(pool).result).toContain(reason);
    server.peer = responding(RESPONSE);
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('give the call in progress what came, if a response may end like this, and otherwise an error', async () => {
    await using server = await RawServer.start((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'));
    const pool = poolOf(server.origin);
    expect(await send(pool).result).toBe('200 to the end');
    server.peer = (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nto the end');
    expect(await send(pool).result).toBe('failed: the connection was closed before the response was complete');
    server.peer = (socket) => socket.end();
    expect(await send(pool).result).toBe('failed: the connection was closed before the response was complete');
  });

  it('are not used again when the response came before the whole request was sent', async () => {
    await using server = await RawServer.start((socket) => {
      socket.pause();
      socket.write(RESPONSE);
    });
    const pool = poolOf(server.origin);
    expect(await send(pool, 'x'.repeat(64 * 1024 * 1024)).result).toBe('200 ok');
    server.peer = responding(RESPONSE);
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('fail each call that waited for one when no server listens there', async () => {
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
      seen.push(text);
      socket.write(RESPONSE);
    });
    const pool = poolOf(server.origin, { connections: 1 });
    const [first, second, third] = [send(pool, 'first'), send(pool, 'second'), send(pool, 'third')];
    pool.cancel(second);
    expect(await Promise.all([first.result, second.result, third.result])).toEqual([
      '200 ok',
      'failed: cancelled before it was sent',
      '200 ok',
    ]);
    expect(seen).toEqual(['first', 'third']);
  });

  it('are not used when their end has come but was not reported yet', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin);
    await Promise.all([send(pool).result, send(pool).result]);
    const idle = [...server.sockets];
    expect(idle).toHaveLength(2);
    // Both end in one turn of the event loop; the first to be notified starts calls before the
    // second is.
    const results = await new Promise<string[]>((resolve) => {
      const [first] = idle;
      first?.once('close', () => {
        setImmediate(() => resolve(Promise.all(Array.from({ length: 4 }, () => send(pool).result))));
      });
      for (const socket of idle) socket.destroy();
    });
    expect(results).toEqual(['200 ok', '200 ok', '200 ok', '200 ok']);
  });

  it('end all at once, and the calls in progress or waiting have failed by then', async () => {
    await using server = await RawServer.start(() => {});
    const pool = poolOf(server.origin, { connections: 1 });
    const results: string[] = [];
    const [underWay, waiting] = [send(pool), send(pool)];
    void underWay.result.then((result) => results.push(result));
    void waiting.result.then((result) => results.push(result));
    await pool.destroy();
    expect(results).toEqual(['failed: the connections were closed', 'failed: the connections were closed']);
    expect(await send(pool).result).toBe('failed: the connections were closed');
  });

  it('may be ended twice', async () => {
    await using server = await RawServer.start(responding(RESPONSE));
    const pool = poolOf(server.origin);
    await send(pool).result;
    expect(await Promise.all([pool.destroy(), pool.destroy()])).toEqual([undefined, undefined]);
  });
});

describeWith(['openssl'], 'connections over TLS', () => {
  let key: Buffer;
  let cert: Buffer;
  beforeAll(async () => {
    const made = await makeCertificate();
    if (made === undefined) throw new Error('openssl is not installed');
    [key, cert] = [readFileSync(made.key), readFileSync(made.certificate)];
    await made.remove();
  });

  it.each(['127.0.0.1', 'localhost'])('reach an origin whose certificate is trusted: %s', async (host) => {
    await using server = await RawServer.start(responding(RESPONSE), { key, cert });
    const pool = poolOf(`https://${host}:${server.port}`, { tls: { ca: cert } });
    expect(await send(pool).result).toBe('200 ok');
    await twoTurns();
    expect(await send(pool).result).toBe('200 ok');
    expect(server.sockets).toHaveLength(1);
  });

  it('are used again if the response arrives before the socket reports that the request was sent', async () => {
    await using server = await ThreadedTlsServer.start({ key, cert }, RESPONSE);
    const pool = poolOf(server.origin, { tls: { ca: cert } });
    for (let calls = 0; calls < 10; calls++) expect(await sendAtEndOfTurn(pool)).toBe('200 ok');
    expect(server.counts).toEqual({ connections: 1, requests: 10 });
  });

  it('fail each call when the settings for them cannot be used', async () => {
    await using server = await RawServer.start(responding(RESPONSE), { key, cert });
    const pool = poolOf(server.origin, { tls: { cert: 'no certificate' } });
    expect(await send(pool).result).toMatch(/^failed: /);
    expect(await send(pool).result).toMatch(/^failed: /);
  });

  it('send nothing to an origin whose certificate is not', async () => {
    let requests = 0;
    await using server = await RawServer.start(() => requests++, { key, cert });
    const pool = poolOf(server.origin);
    expect(await send(pool).result).toContain('self-signed certificate');
    expect(requests).toBe(0);
  });
});
