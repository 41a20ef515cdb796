import http2 from 'node:http2';
import net from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeHeaders } from '@holdfast/http2';
import { DTM_REQUEST } from '@holdfast/protocol/grpc';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { GRPC_SERVER_SETTINGS } from '../../src/grpc/grpc-settings.ts';
import { SILENT } from '../../src/logs/log.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { TestServer } from '../support/running-server.ts';

let server: TestServer;
let session: http2.ClientHttp2Session;

beforeEach(async () => {
  server = await TestServer.start({ maxBodyBytes: 64 * 1024 });
  session = http2.connect(`http://${server.running.grpcAddress}`);
  session.on('error', () => undefined);
});
afterEach(async () => {
  session.destroy();
  await server[Symbol.asyncDispose]();
});

const HEADERS = {
  ':method': 'POST',
  ':path': '/dtmgimp.Dtm/NewGid',
  'content-type': 'application/grpc',
  te: 'trailers',
};

interface End {
  readonly httpStatus: number;
  readonly status: string | undefined;
  readonly message: string;
}

/** One call with any header fields and bytes. */
function call(headers: http2.OutgoingHttpHeaders, body: Buffer, ends = true): Promise<End> {
  const stream = session.request({ ...HEADERS, ...headers });
  return new Promise((resolve, reject) => {
    let httpStatus = 0;
    let fields: http2.IncomingHttpHeaders = {};
    stream.on('response', (received) => {
      httpStatus = Number(received[':status']);
      fields = received;
    });
    stream.on('trailers', (received) => (fields = received));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({ httpStatus, status: fields['grpc-status'] as string, message: String(fields['grpc-message'] ?? '') }),
    );
    stream.resume();
    if (ends) stream.end(body);
    else stream.write(body);
  });
}

const frame = (message: Buffer, flag = 0, length = message.length): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};
/** A frame of HTTP/2. */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const EMPTY = frame(Buffer.alloc(0));
const submit = (message: Buffer) => call({ ':path': '/dtmgimp.Dtm/Submit' }, message);

/** Resolves when a socket has closed, with or without an error. */
const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

/** Other clients are served. */
async function expectServed(): Promise<void> {
  using client = new GrpcClient(server.running.grpcAddress);
  expect((await client.call('NewGid', {}, { timeoutMs: 20_000 })).code).toBe(0);
}

describe('a malformed call', () => {
  it.each([
    ['another method', { ':method': 'PUT' }, 405],
    ['another content type', { 'content-type': 'application/json' }, 415],
    ['no content type', { 'content-type': undefined }, 415],
  ] as const)('with %s has its HTTP status', async (_, headers, httpStatus) => {
    expect((await call(headers as http2.OutgoingHttpHeaders, EMPTY)).httpStatus).toBe(httpStatus);
    await expectServed();
  });

  it.each([
    ['of an unknown method', { ':path': '/dtmgimp.Dtm/Nothing' }, EMPTY, '12', 'there is no method'],
    ['of a path with a query', { ':path': '/dtmgimp.Dtm/NewGid?x' }, EMPTY, '12', 'there is no method'],
    ['without a message', {}, Buffer.alloc(0), '3', 'the request has no message'],
    ['with two messages', {}, Buffer.concat([EMPTY, EMPTY]), '3', 'takes one request, not several'],
    ['that ends in the head of a message', {}, EMPTY.subarray(0, 3), '3', 'ended within a message'],
    ['that ends in a message', {}, frame(Buffer.from('abc'), 0, 10), '3', 'ended within a message'],
    ['with a compressed message', {}, frame(Buffer.from('abc'), 1), '12', 'compressed messages are not supported'],
    ['with a message of 4 GB', {}, frame(Buffer.from('abc'), 0, 0xff_ff_ff_ff), '8', 'must have at most 65536 bytes'],
    ['with a malformed grpc-timeout', { 'grpc-timeout': '5 minutes' }, EMPTY, '3', 'grpc-timeout must be'],
  ] as const)('%s ends with a code and a reason', async (_, headers, body, status, message) => {
    const end = await call(headers, body);
    expect([end.httpStatus, end.status]).toEqual([200, status]);
    expect(decodeURIComponent(end.message)).toContain(message);
    await expectServed();
  });

  it('that is too long is ended before all of it has come', async () => {
    const end = await call({}, frame(Buffer.from('abc'), 0, 1024 * 1024), false);
    expect(end.status).toBe('8');
  });

  it.each([
    ['a number instead of a text', Buffer.from('0801', 'hex'), 'Gid: has wire type 0'],
    ['a truncated field', Buffer.from('0a05', 'hex'), 'Gid: is cut off'],
    ['a text that is not UTF-8', Buffer.from('0a01ff', 'hex'), 'Gid: is not UTF-8'],
    ['a field number 0', Buffer.from('00', 'hex'), 'no valid field number'],
    ['endless groups', Buffer.from('a306'.repeat(10_000), 'hex'), 'nested deeper than'],
    ['steps without end', encodeMessage(DTM_REQUEST, { Steps: '['.repeat(60_000) }), ''],
    [
      'more payloads than steps can be',
      Buffer.from('2a00'.repeat(20_000), 'hex'),
      'BinPayloads: has more than 1000 elements',
    ],
  ])('whose message has %s is InvalidArgument', async (_, message, fault) => {
    const end = await submit(frame(message));
    expect(end.status).toBe('3');
    expect(decodeURIComponent(end.message)).toContain(fault);
    await expectServed();
  });

  it('with unusual metadata is served', async () => {
    for (const headers of [
      { 'x-bin': Buffer.from([0, 255, 10]).toString('base64') },
      { 'x-long': 'x'.repeat(8 * 1024) },
      { traceparent: 'nonsense' },
      { 'dtm-gid': ['a', 'b'] },
      { 'grpc-encoding': 'gzip' },
    ])
      expect((await call(headers, EMPTY)).status).toBe('0');
  });

  it('with too much metadata is rejected', async () => {
    await expect(call({ 'x-long': 'x'.repeat(100 * 1024) }, EMPTY)).rejects.toThrow();
    await expectServed();
  });
});

describe('a connection', () => {
  const port = () => Number(server.running.grpcAddress.split(':')[1]);

  it.each([
    ['speaks HTTP/1.1', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['sends random bytes', Buffer.alloc(100_000, 0xa5)],
    ['sends a preface and then nothing that is a frame', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(1_000)}`],
  ])('that %s is closed', async (_, bytes) => {
    const socket = net.connect(port(), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    socket.resume();
    await closed(socket);
    await expectServed();
  });

  it('that resets every call at once is closed', async () => {
    const socket = net.connect(port(), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    const end = closed(socket);
    const block = encodeHeaders(Object.entries({ ':scheme': 'http', ':authority': 'a', ...HEADERS }));
    const calls = Array.from({ length: 5_000 }, (_, index) => {
      const stream = 2 * index + 1;
      return Buffer.concat([http2Frame(1, 4, stream, block), http2Frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))]);
    });
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame(4, 0, 0), ...calls]));
    await end;
    await expectServed();
  });

  it('that sends SETTINGS or PING without end is closed', async () => {
    for (const flood of [
      Buffer.from('000000040000000000', 'hex'),
      Buffer.from('0000080600000000000102030405060708', 'hex'),
    ]) {
      const socket = net.connect(port(), '127.0.0.1');
      socket.on('error', () => undefined);
      // It never reads: the acknowledgements pile up at the server.
      socket.pause();
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      const end = closed(socket);
      const frames = Buffer.concat(Array.from({ length: 1_000 }, () => flood));
      for (let index = 0; index < 200 && !socket.destroyed; index++) {
        socket.write(frames);
        await new Promise(setImmediate);
      }
      socket.resume();
      await end;
    }
    await expectServed();
  });

  it('of which a thousand are idle leaves the others served', async () => {
    const idle = Array.from({ length: 1_000 }, () => net.connect(port(), '127.0.0.1').on('error', () => undefined));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    await expectServed();
    for (const socket of idle) socket.destroy();
  });

  it('that goes away in the middle of a call ends only that call', async () => {
    const streams = Array.from({ length: 20 }, () => session.request({ ...HEADERS, ':path': '/dtmgimp.Dtm/Submit' }));
    for (const stream of streams) {
      stream.on('error', () => undefined);
      stream.write(frame(Buffer.from('abc'), 0, 100));
    }
    await new Promise(setImmediate);
    session.destroy();
    await expectServed();
  });
});

/** Opens a connection whose client sends GOAWAY and then leaves the socket open. */
async function abandonedConnection(address = server.running.grpcAddress): Promise<net.Socket> {
  const port = Number(address.split(':')[1]);
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Buffer.from('0000000400000000000000080700000000000000000000000000', 'hex'));
  socket.resume();
  await once(socket, 'end');
  return socket;
}

describe('a client that ends its session but not its socket', () => {
  it('does not delay the end of the coordinator', async () => {
    const socket = await abandonedConnection();
    await expect(server.running.close()).resolves.toBeUndefined();
    socket.destroy();
  });

  it('is disconnected', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const responded = (): void => undefined;
    const grpc = new GrpcServer({ log: SILENT, maxMessageBytes: 1_000, maxConnections: 10, responded });
    const socket = await abandonedConnection(await grpc.listen('127.0.0.1', 0));
    vi.advanceTimersByTime(2 * GRPC_SERVER_SETTINGS.checkMs);
    vi.useRealTimers();
    const reset = closed(socket);
    // Only a write fails: the client has already received the end of the server's bytes.
    const writing = setInterval(() => socket.write('x'), 10);
    await reset;
    clearInterval(writing);
    expect(socket.destroyed).toBe(true);
    await grpc.close();
  });
});

describe('a coordinator that stops', () => {
  it('finishes the calls in progress, and requests that its clients leave', async () => {
    const left = new Promise((resolve) => session.once('goaway', resolve));
    expect((await call({}, EMPTY)).status).toBe('0');
    await server.running.close();
    await left;
    await vi.waitUntil(() => session.destroyed, { timeout: 5_000 });
  });
});
