import http2 from 'node:http2';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeHeaders } from '@holdfast/http2';
import { EchoServer } from './support/echo-server.ts';
import { END_HEADERS, END_STREAM, frame, HELLO, TYPE } from './support/frames.ts';

/** Fields that may be in any request; those with the same name become one in `node:http2`. */
const name = fc.stringMatching(/^x-[a-z0-9-]{1,20}$/);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,60}[!-~])?)?$/);
const fields = fc.dictionary(name, value, { maxKeys: 12 });

let server: EchoServer;
let client: http2.ClientHttp2Session;
beforeEach(async () => {
  server = await EchoServer.start();
  client = http2.connect(`http://127.0.0.1:${server.port}`);
});
afterEach(async () => {
  client.destroy();
  await server[Symbol.asyncDispose]();
});

describe('header blocks', () => {
  it('that node:http2 encodes are decoded to the same fields, over one connection', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (sent) => {
        const stream = client.request({ ':path': '/a', ...sent }, { endStream: true });
        stream.resume();
        await once(stream, 'end');
        const received = (server.requests.at(-1) ?? []).map((field) => [field.name, field.value]);
        expect(Object.fromEntries(received)).toEqual({
          ':method': 'GET',
          ':scheme': 'http',
          ':authority': `127.0.0.1:${server.port}`,
          ':path': '/a',
          ...sent,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('that are encoded here are decoded by node:http2 to the same fields, over one connection', async () => {
    const theirs = http2.createServer();
    const requests: http2.IncomingHttpHeaders[] = [];
    let arrived: () => void = () => undefined;
    theirs.on('stream', (stream, received) => {
      requests.push(received);
      stream.respond({ ':status': 200 }, { endStream: true });
      arrived();
    });
    theirs.listen(0, '127.0.0.1');
    await once(theirs, 'listening');
    const socket = connect((theirs.address() as AddressInfo).port, '127.0.0.1').resume();
    socket.write(HELLO);
    let id = 1;
    await fc.assert(
      fc.asyncProperty(fields, async (sent) => {
        // Without an authority, nghttp2 rejects a request.
        const known = { ':method': 'POST', ':scheme': 'http', ':path': '/a', ':authority': 'a' };
        const block = encodeHeaders(Object.entries({ ...known, ...sent }));
        const come = new Promise<void>((resolve) => (arrived = resolve));
        socket.write(frame(TYPE.headers, END_HEADERS | END_STREAM, id, block));
        id += 2;
        await come;
        // Without the list of sensitive fields, which has a symbol as its name.
        expect(Object.fromEntries(Object.entries(requests.at(-1) ?? {}))).toEqual({ ...known, ...sent });
      }),
      { numRuns: 300 },
    );
    socket.destroy();
    theirs.close();
  });
});
