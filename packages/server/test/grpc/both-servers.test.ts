import { once } from 'node:events';
import http2 from 'node:http2';
import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, HoldfastError } from '@holdfast/protocol';
import { GrpcError } from '../../src/grpc/grpc-error.ts';
import { GrpcJsServer } from '../../src/grpc/library/grpc-js-server.ts';
import type { GrpcMethod, GrpcTransport } from '../../src/grpc/grpc-method.ts';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { SILENT } from '../../src/logs/log.ts';
import { TestServer } from '../support/running-server.ts';

const MOST = 64 * 1024;

/** Errors that a method throws, by the text of the request. */
const ERRORS: Readonly<Record<string, Error>> = {
  ...Object.fromEntries(
    ERROR_CODES.map((code) => [code, new HoldfastError(code, 'größer 100 %\n', { gid: 'ü', field: ['a b'] })]),
  ),
  long: new GrpcError(9, '漢'.repeat(5_000)),
  spaces: new GrpcError(10, '  no money ', { 'holdfast-field': ' steps["a b"] ' }),
  empty: new GrpcError(13, ''),
  foreign: new TypeError('x is not a function'),
};

const METHODS: readonly GrpcMethod[] = [
  { kind: 'unary', path: '/t.T/Echo', call: (_, request) => Promise.resolve(request) },
  {
    kind: 'unary',
    path: '/t.T/Fail',
    call: (_, request) => Promise.reject(ERRORS[request.toString()] ?? new Error('none')),
  },
  {
    kind: 'unary',
    path: '/t.T/Context',
    call: ({ trace, deadlineMs, signal }) => {
      const leftMs = deadlineMs === undefined ? undefined : deadlineMs - performance.now();
      const seen = {
        trace,
        hasTime: leftMs === undefined ? 'always' : leftMs > 0 && leftMs <= 60_000,
        aborted: signal?.aborted,
      };
      return Promise.resolve(Buffer.from(JSON.stringify(seen)));
    },
  },
  { kind: 'unary', path: '/t.T/Hang', call: () => new Promise<never>(() => undefined) },
  {
    kind: 'stream',
    path: '/t.T/EchoAll',
    run: async ({ requests, send }) => {
      for await (const request of requests) {
        const error = ERRORS[request.toString()];
        if (error !== undefined) throw error;
        await send(request);
      }
    },
  },
];

interface Running {
  readonly transport: GrpcTransport;
  readonly client: grpc.Client;
  readonly address: string;
  /** The calls that were reported, such as `/t.T/Echo 0`. */
  readonly reported: string[];
}

const SERVERS = { own: GrpcServer, 'grpc-js': GrpcJsServer } as const;
type Name = keyof typeof SERVERS;
const running: Partial<Record<Name, Running>> = {};

beforeAll(async () => {
  for (const name of Object.keys(SERVERS) as Name[]) {
    const reported: string[] = [];
    const responded = (path: string, status: number): void => void reported.push(`${path} ${status}`);
    const transport = new SERVERS[name]({ log: SILENT, maxMessageBytes: MOST, maxConnections: 100, responded });
    const address = await transport.listen('127.0.0.1', 0);
    transport.use(METHODS);
    const client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
    running[name] = { transport, client, address, reported };
  }
});
afterAll(async () => {
  for (const { client, transport } of Object.values(running)) {
    client.close();
    await transport.close();
  }
});

interface End {
  readonly code: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly responses: readonly string[];
}

const raw = (bytes: Buffer): Buffer => bytes;
/** The trailers of Holdfast; those of the library are its affair. */
const holdfastTrailers = (metadata: grpc.Metadata | undefined) =>
  Object.fromEntries(Object.entries(metadata?.getMap() ?? {}).filter(([name]) => name.startsWith('holdfast-')));

function unary(
  { client }: Running,
  method: string,
  request: Buffer,
  metadata: object = {},
  timeoutMs?: number,
): Promise<End> {
  const sent = new grpc.Metadata();
  for (const [name, values] of Object.entries(metadata) as [string, readonly (string | Buffer)[]][])
    for (const value of values) sent.add(name, value);
  const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  return new Promise((resolve) => {
    client.makeUnaryRequest(`/t.T/${method}`, raw, raw, request, sent, options, (error, value) => {
      const responses = value === undefined ? [] : [value.toString('hex')];
      resolve({
        code: error?.code ?? 0,
        message: error?.details ?? '',
        trailers: holdfastTrailers(error?.metadata),
        responses,
      });
    });
  });
}

async function stream({ client }: Running, requests: readonly string[]): Promise<End> {
  const call = client.makeBidiStreamRequest('/t.T/EchoAll', raw, raw);
  const responses: string[] = [];
  call.on('data', (bytes: Buffer) => responses.push(bytes.toString()));
  call.on('error', () => undefined);
  const status = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve));
  for (const request of requests) call.write(Buffer.from(request));
  call.end();
  const { code: ended, details, metadata } = await status;
  const code: number = ended;
  // The library sends a message with OK.
  return { code, message: code === 0 ? '' : details, trailers: holdfastTrailers(metadata), responses };
}

/** The result of a call on each server. */
async function onBoth<T>(call: (server: Running) => Promise<T>): Promise<readonly [own: T, library: T]> {
  const { own, 'grpc-js': library } = running as Readonly<Record<Name, Running>>;
  return [await call(own), await call(library)];
}

async function expectSame(call: (server: Running) => Promise<End>): Promise<End> {
  const [own, library] = await onBoth(call);
  expect(library).toEqual(own);
  return own;
}

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the server of grpc-js and our own', () => {
  it.each([0, 1, 255, 16_384, 60_000])('return the same response of %i bytes', async (length) => {
    const request = Buffer.alloc(length, 0xf0);
    const { code, responses } = await expectSame((server) => unary(server, 'Echo', request));
    expect([code, responses]).toEqual([0, [request.toString('hex')]]);
  });

  it.each(Object.keys(ERRORS))('end a call with the same status and trailers: %s', async (name) => {
    const { code } = await expectSame((server) => unary(server, 'Fail', Buffer.from(name)));
    expect(code).toBeGreaterThan(0);
  });

  it.each([
    ['no metadata', {}, undefined],
    ['a trace', { traceparent: [TRACE], tracestate: ['a=b'] }, undefined],
    ['a trace that is none', { traceparent: ['00-zz'] }, undefined],
    ['binary metadata', { 'x-bin': [Buffer.from([0, 255])] }, undefined],
    ['8 KB of metadata', { 'x-long': ['x'.repeat(8 * 1024)] }, undefined],
    ['fields that are sent twice', { 'x-a': ['1', '2'] }, undefined],
    ['a deadline', {}, 30_000],
  ] as const)('see the same context: %s', async (_, metadata, timeoutMs) => {
    await expectSame((server) => unary(server, 'Context', Buffer.alloc(0), metadata, timeoutMs));
  });

  it('exchange the same messages of a stream, until the method ends it', async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `message ${index}`);
    expect((await expectSame((server) => stream(server, texts))).responses).toEqual(texts);
    const failed = await expectSame((server) => stream(server, ['a', 'refused']));
    expect([failed.code, failed.responses]).toEqual([10, ['a']]);
    expect((await expectSame((server) => stream(server, []))).code).toBe(0);
  });

  it('report each call once with its status', async () => {
    for (const { reported } of Object.values(running)) reported.length = 0;
    await expectSame((server) => unary(server, 'Echo', Buffer.alloc(1)));
    await expectSame((server) => unary(server, 'Fail', Buffer.from('not_found')));
    await expectSame((server) => stream(server, ['x']));
    for (const { reported } of Object.values(running))
      await vi.waitUntil(() => reported.length === 3, { timeout: 5_000, interval: 2 });
    const [own, library] = Object.values(running).map(({ reported }) => reported.toSorted());
    expect(own).toEqual(library);
  });

  it('end a call at its deadline with the same status', async () => {
    const codes = await onBoth(async (server) => (await unary(server, 'Hang', Buffer.alloc(0), {}, 50)).code);
    expect(codes).toEqual([4, 4]);
  });
});

/** One call with any header fields and bytes, and its HTTP status and gRPC status. */
async function odd({ address }: Running, headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<readonly string[]> {
  const session = http2.connect(`http://${address}`);
  session.on('error', () => undefined);
  try {
    const request = session.request({
      ':method': 'POST',
      ':path': '/t.T/Echo',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let fields: http2.IncomingHttpHeaders = {};
    let status = '';
    request.on('response', (received) => {
      status = String(received[':status']);
      fields = { ...fields, ...received };
    });
    request.on('trailers', (received) => (fields = { ...fields, ...received }));
    request.on('error', () => undefined);
    request.resume();
    request.end(body);
    await new Promise<void>((resolve) => request.once('close', () => resolve()));
    return [status, String(fields['grpc-status'] ?? '')];
  } finally {
    session.destroy();
  }
}

const frame = (message: Buffer, flag = 0, length = message.length): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};
const OK = frame(Buffer.from('x'));

describe('a call that is malformed', () => {
  it.each([
    ['an unknown method', { ':path': '/t.T/Nothing' }, OK],
    ['another type of content', { 'content-type': 'application/json' }, OK],
    ['a message that is too long', {}, frame(Buffer.alloc(MOST + 1))],
  ])('has the same status on both servers: %s', async (_, headers, body) => {
    const [own, library] = await onBoth((server) => odd(server, headers, body));
    expect(library).toEqual(own);
  });

  /** The library ends these calls before a method is called, with codes that we do not use. */
  it.each([
    ['no message', {}, Buffer.alloc(0), '3', '12'],
    ['a truncated message', {}, OK.subarray(0, 3), '3', '12'],
    ['a deadline that is none', { 'grpc-timeout': 'soon' }, OK, '0', '13'],
  ])('fails on both, with a known difference: %s', async (_, headers, body, own, library) => {
    const [ours, theirs] = await onBoth((server) => odd(server, headers, body));
    expect([ours[1], theirs[1]]).toEqual([own, library]);
  });
});

describe('a coordinator with --grpc-server grpc-js', () => {
  it('serves, and stops with open connections', async () => {
    const server = await TestServer.start({ grpcServer: 'grpc-js' });
    const client = new grpc.Client(server.running.grpcAddress, grpc.credentials.createInsecure());
    const idle = http2.connect(`http://${server.running.grpcAddress}`);
    await once(idle, 'connect');
    const code = await new Promise<number>((resolve) => {
      client.makeUnaryRequest('/dtmgimp.Dtm/NewGid', raw, raw, Buffer.alloc(0), (error) => resolve(error?.code ?? 0));
    });
    expect(code).toBe(0);
    const { text } = await server.get('/api/metrics');
    expect(text).toContain('holdfast_grpc_requests_total{method="/dtmgimp.Dtm/NewGid"');
    await server[Symbol.asyncDispose]();
    client.close();
    idle.destroy();
  });
});
