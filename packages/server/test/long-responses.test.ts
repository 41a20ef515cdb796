import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { longJsonReply } from '../src/http/reply.ts';
import { SmallServer } from './support/small-server.ts';

const LONG = { text: 'ü'.repeat(3_000_000), list: [1, 2, 3] };

const READERS = ['own', 'node'] as const;

describe.each(READERS)('a long response of the server that reads requests with %s', (reader) => {
  it('arrives whole, and the connection serves the next request', async () => {
    await using server = await SmallServer.start(() => Promise.resolve(longJsonReply(200, LONG)), reader);
    const origin = `http://127.0.0.1:${server.port}`;
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${origin}/slow`, { method: 'POST', body: '' });
      expect(response.headers.get('transfer-encoding')).toBe('chunked');
      expect(await response.json()).toEqual(LONG);
    }
    expect(await (await fetch(`${origin}/echo`, { method: 'POST', body: 'x' })).json()).toEqual({ body: 'x', x: null });
  });

  it('is made no faster than its receiver reads it, and no longer after that has hung up', async () => {
    let made = 0;
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => (ended = resolve));
    function* parts(): Generator<string> {
      try {
        for (; made < 1_000; made++) yield 'x'.repeat(100_000);
      } finally {
        ended();
      }
    }
    const reply = { status: 200, head: ['Content-Type', 'text/plain'], body: parts(), encoding: 'utf8' } as const;
    await using server = await SmallServer.start(() => Promise.resolve(reply), reader);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n');
    await once(socket, 'readable');
    socket.destroy();
    await end;
    // 100 MB would be all; the buffers of both sides hold some.
    expect(made).toBeLessThan(500);
  });
});

it('a response that is short has a length', async () => {
  await using server = await SmallServer.start(() => Promise.resolve(longJsonReply(200, { a: 1 })));
  const requested = request({ port: server.port, path: '/slow', method: 'POST' }).end();
  const [response] = (await once(requested, 'response')) as [IncomingMessage];
  expect(response.headers['content-length']).toBe('7');
  response.resume();
});
