import { HTTP2_LIMITS } from '@holdfast/http2';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { BranchRouter } from '@holdfast/branches';
import { branchRequest } from '../support/requests.ts';
import { branchRouter } from '../support/routers.ts';
import {
  END_STREAM,
  FRAME,
  type Frame,
  type FrameBehaviour,
  type FrameConnection,
  FrameServer,
} from '../support/frame-server.ts';

let router: BranchRouter;
beforeEach(() => {
  router = branchRouter();
});
afterEach(() => router.close());

const HEADERS = { ':status': '200', 'content-type': 'application/grpc' };
const GRPC_JSON = 'application/grpc+json';

/** A server that is correct except for how it responds to a call. */
const server = (respond: (connection: FrameConnection, stream: number, frame: Frame) => void): FrameBehaviour => ({
  opened: (connection) => connection.settings(),
  received: (connection, frame) => {
    if ((frame.type === FRAME.settings || frame.type === FRAME.ping) && frame.flags === 0)
      connection.acknowledge(frame);
    if (frame.type === FRAME.headers) respond(connection, frame.stream, frame);
  },
});

/** The same server, which also lists the calls that its client resets. */
const countingResets = (behaviour: FrameBehaviour, resets: number[]): FrameBehaviour => ({
  ...behaviour,
  received: (connection, frame) => {
    if (frame.type === FRAME.reset) resets.push(frame.stream);
    behaviour.received(connection, frame);
  },
});

const call = (address: string, changes = {}) =>
  router.call(branchRequest(`${address}/a.B/C`, { protocol: 'grpc', timeoutMs: 300, ...changes }));

describe('a gRPC server that does not end a stream', () => {
  it.each([
    ['whose response is a web page', { ':status': '404' }, 'UNKNOWN'],
    ['whose status comes before its message', { ...HEADERS, 'grpc-status': '10' }, 'UNKNOWN'],
  ] as const)('%s has it ended by the coordinator', async (_, fields, kind) => {
    const resets: number[] = [];
    const behaviour = server((connection, stream) => connection.headers(stream, fields));
    await using hostile = await FrameServer.start(countingResets(behaviour, resets));
    expect((await call(hostile.address)).kind).toBe(kind);
    await vi.waitUntil(() => resets.length === 1, { timeout: 2_000 });
  });

  it('and never takes the request has it ended when it has sent its status, which does not count', async () => {
    const resets: number[] = [];
    const behaviour = server((connection, stream) => connection.succeed(stream));
    behaviour.opened = (connection) => connection.settings([4, 0]);
    await using hostile = await FrameServer.start(countingResets(behaviour, resets));
    expect(await call(hostile.address, { payload: Buffer.alloc(100_000) })).toEqual({
      kind: 'UNKNOWN',
      reason: 'grpc-status 0, but the response came before the request was sent',
    });
    await vi.waitUntil(() => resets.length === 1, { timeout: 2_000 });
  });
});

describe('a gRPC server that leaves', () => {
  it('has no call fail when the calls come as the announcement arrives', async () => {
    let calls = 0;
    await using hostile = await FrameServer.start(
      server((connection, stream) => {
        connection.succeed(stream);
        if (++calls % 3 === 0) connection.goaway(stream);
      }),
    );
    const kinds: string[] = [];
    const one = async (): Promise<void> => {
      for (let index = 0; index < 30; index++) kinds.push((await call(hostile.address)).kind);
    };
    await Promise.all([one(), one(), one()]);
    expect(kinds.filter((kind) => kind !== 'SUCCESS')).toEqual([]);
  });
});

describe('a gRPC server that rejects calls', () => {
  it('keeps its connection, however many they are', async () => {
    let calls = 0;
    await using hostile = await FrameServer.start(
      server((connection, stream) => {
        if (++calls <= 3_000) connection.write(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 7]));
        else connection.succeed(stream);
      }),
    );
    // Each is sent twice.
    for (let round = 0; round < 15; round++)
      await Promise.all(Array.from({ length: 100 }, () => call(hostile.address, { timeoutMs: 10_000 })));
    expect(calls).toBe(3_000);
    expect((await call(hostile.address, { timeoutMs: 10_000 })).kind).toBe('SUCCESS');
    expect(hostile.connections.length).toBe(1);
  });
});

describe('a gRPC server that permits one call at a time', () => {
  it('receives the others one after the other', async () => {
    const behaviour = server((connection, stream) => {
      setImmediate(() => connection.succeed(stream));
    });
    behaviour.opened = (connection) => connection.settings([3, 1]);
    await using hostile = await FrameServer.start(behaviour);
    const first = await call(hostile.address, { timeoutMs: 10_000 });
    const others = await Promise.all(Array.from({ length: 20 }, () => call(hostile.address, { timeoutMs: 10_000 })));
    expect([first, ...others].map(({ kind }) => kind)).toEqual(Array.from({ length: 21 }, () => 'SUCCESS'));
    expect(hostile.connections.length).toBe(1);
  });
});

describe('a gRPC server that leaves while calls wait for it to permit them', () => {
  it('has them sent to its next connection, where it may reject those that it does not permit yet', async () => {
    const behaviour = server((connection, stream) => {
      if (hostile.connections.length === 1) {
        if (stream === 1) return connection.succeed(1);
        connection.goaway(stream);
        return connection.succeed(stream);
      }
      // As if both had come before the settings were known.
      if (stream === 3) connection.write(FRAME.reset, 0, stream, reset(7));
      else connection.succeed(stream);
    });
    behaviour.opened = (connection) => connection.settings([3, hostile.connections.length === 1 ? 1 : 100]);
    await using hostile = await FrameServer.start(behaviour);
    expect((await call(hostile.address, { timeoutMs: 10_000 })).kind).toBe('SUCCESS');
    const calls = Array.from({ length: 3 }, () => call(hostile.address, { timeoutMs: 10_000 }));
    expect(await Promise.all(calls)).toEqual(calls.map(() => ({ kind: 'SUCCESS', reason: '' })));
    expect(hostile.connections.length).toBe(2);
  });
});

describe('a connection that is lost', () => {
  it.each([
    ['by an announcement with an error', (c: FrameConnection) => c.goaway(0, 11)],
    ['by a malformed frame', (c: FrameConnection) => c.write(FRAME.settings, 0, 1)],
    ['by a reset', (c: FrameConnection) => c.socket.resetAndDestroy()],
  ])('%s after other calls has its call sent once more, over a new one', async (_, lose) => {
    await using hostile = await FrameServer.start(
      server((connection, stream) => {
        if (hostile.connections.length === 1 && stream > 1) lose(connection);
        else connection.succeed(stream);
      }),
    );
    expect((await call(hostile.address, { timeoutMs: 10_000 })).kind).toBe('SUCCESS');
    expect(await call(hostile.address, { timeoutMs: 10_000 })).toEqual({ kind: 'SUCCESS', reason: '' });
    expect(hostile.connections.length).toBe(2);
  });
});

describe('a gRPC server that permits few pings', () => {
  it('keeps its calls in progress while others time out', async () => {
    const pings = new Map<FrameConnection, number>();
    const first = server(() => {});
    await using hostile = await FrameServer.start({
      ...first,
      received: (connection, frame) => {
        first.received(connection, frame);
        if (frame.type !== FRAME.ping || frame.flags !== 0) return;
        const count = (pings.get(connection) ?? 0) + 1;
        pings.set(connection, count);
        // As gRPC's servers count: the first one, and two in excess, since the last response.
        if (count > 3) connection.goaway(1, 11);
      },
    });
    const slow = call(hostile.address, { timeoutMs: 20_000 });
    for (let index = 0; index < 10; index++)
      expect((await call(hostile.address, { timeoutMs: 30 })).reason).toBe('no response within 30 ms');
    hostile.connections[0]?.succeed(1);
    expect(await slow).toEqual({ kind: 'SUCCESS', reason: '' });
    expect(Math.max(...pings.values())).toBeLessThanOrEqual(2);
  });

  it('may be pinged again after each response', async () => {
    let pings = 0;
    const plain = server((connection, stream) => {
      if (stream % 4 === 1) connection.succeed(stream);
    });
    await using hostile = await FrameServer.start({
      ...plain,
      received: (connection, frame) => {
        plain.received(connection, frame);
        if (frame.type === FRAME.ping && frame.flags === 0) pings++;
      },
    });
    for (let index = 0; index < 5; index++) {
      expect((await call(hostile.address)).kind).toBe('SUCCESS');
      expect((await call(hostile.address, { timeoutMs: 30 })).kind).toBe('UNKNOWN');
    }
    expect((await call(hostile.address)).kind).toBe('SUCCESS');
    expect(hostile.connections.length).toBe(1);
    expect(pings).toBe(5);
  });
});

describe('a connection without further stream IDs', () => {
  it('is replaced, and its last calls are sent over the next one', async () => {
    const { lastStreamId } = HTTP2_LIMITS;
    Object.assign(HTTP2_LIMITS, { lastStreamId: 11 });
    onTestFinished(() => void Object.assign(HTTP2_LIMITS, { lastStreamId }));
    await using hostile = await FrameServer.start(server((connection, stream) => connection.succeed(stream)));
    for (let index = 0; index < 5; index++)
      expect(await call(hostile.address)).toEqual({ kind: 'SUCCESS', reason: '' });
    const calls = await Promise.all(Array.from({ length: 5 }, () => call(hostile.address)));
    expect(calls.filter(({ kind }) => kind !== 'SUCCESS')).toEqual([]);
    expect(hostile.connections.length).toBe(2);
  });
});

const reset = (code: number): Buffer => Buffer.from([0, 0, 0, code]);

describe('a response with grpc-status 0', () => {
  const part = (...sizes: readonly number[]): Buffer =>
    Buffer.concat(sizes.map((size) => Buffer.concat([Buffer.from([0, 0, 0, 0, size]), Buffer.alloc(size)])));
  const response = (
    data: Buffer,
    head: Readonly<Record<string, string>> = HEADERS,
    trailers: Readonly<Record<string, string>> = { 'grpc-status': '0' },
  ): FrameBehaviour =>
    server((connection, stream) => {
      connection.headers(stream, head);
      if (data.length > 0) connection.write(FRAME.data, 0, stream, data);
      connection.headers(stream, trailers, END_STREAM);
    });
  const compressed = Buffer.from([1, 0, 0, 0, 0]);

  it.each([
    ['no message', response(part())],
    ['no message, in its headers', server((c, s) => c.headers(s, { ...HEADERS, 'grpc-status': '0' }, END_STREAM))],
    ['two messages', response(part(0, 3))],
    ['a message that is cut off', response(part(7).subarray(0, 9))],
    ['a prefix that is cut off', response(part(7).subarray(0, 4))],
    ['bytes after its message', response(Buffer.concat([part(7), Buffer.from([0])]))],
    ['an unknown flag', response(Buffer.from([2, 0, 0, 0, 0]))],
    ['a compressed message without an encoding', response(compressed)],
    ['another content type', response(part(0), { ...HEADERS, 'content-type': 'application/grpcish' })],
    ['fewer bytes than announced', response(part(0), { ...HEADERS, 'content-length': '99' })],
    ['a status that has two digits', response(part(0), HEADERS, { 'grpc-status': '00' })],
    [
      'the status of a proxy',
      server((c, s) => c.headers(s, { ...HEADERS, ':status': '503', 'grpc-status': '0' }, END_STREAM)),
    ],
  ] as const)('and %s is UNKNOWN', async (_, behaviour) => {
    await using hostile = await FrameServer.start(behaviour);
    expect((await call(hostile.address)).kind).toBe('UNKNOWN');
  });

  it.each([
    ['one message', response(part(7))],
    ['an empty message', response(part(0))],
    ['a compressed message with an encoding', response(compressed, { ...HEADERS, 'grpc-encoding': 'gzip' })],
    ['a content type with a format', response(part(0), { ...HEADERS, 'content-type': 'application/grpc+proto' })],
    [
      'one message in pieces of one byte',
      server((c, s) => {
        c.headers(s, HEADERS);
        for (const byte of part(9)) c.write(FRAME.data, 0, s, Buffer.from([byte]));
        c.headers(s, { 'grpc-status': '0' }, END_STREAM);
      }),
    ],
  ] as const)('and %s is SUCCESS', async (_, behaviour) => {
    await using hostile = await FrameServer.start(behaviour);
    expect(await call(hostile.address, { timeoutMs: 10_000 })).toEqual({ kind: 'SUCCESS', reason: '' });
  });
});

describe('a status other than 0 in a response that is not one of gRPC', () => {
  const inHeaders = (status: string, head: Readonly<Record<string, string>>): FrameBehaviour =>
    server((c, s) => c.headers(s, { ...head, 'grpc-status': status }, END_STREAM));
  const inTrailers = (status: string, head: Readonly<Record<string, string>>): FrameBehaviour =>
    server((c, s) => {
      c.headers(s, head);
      c.headers(s, { 'grpc-status': status }, END_STREAM);
    });

  it.each([
    ['HTTP 503', inHeaders, { ...HEADERS, ':status': '503' }],
    ['HTTP 409', inHeaders, { ...HEADERS, ':status': '409' }],
    ['HTTP 204', inHeaders, { ...HEADERS, ':status': '204' }],
    ['HTTP 503 before trailers', inTrailers, { ...HEADERS, ':status': '503' }],
    ['a page', inHeaders, { ...HEADERS, 'content-type': 'text/html' }],
    ['a page with trailers', inTrailers, { ...HEADERS, 'content-type': 'text/html' }],
    ['no content type', inHeaders, { ':status': '200' }],
    ['no content type before trailers', inTrailers, { ':status': '200' }],
  ] as const)('decides nothing: %s', async (_, respond, head) => {
    for (const status of ['9', '10']) {
      await using hostile = await FrameServer.start(respond(status, head));
      expect((await call(hostile.address)).kind).toBe('UNKNOWN');
    }
  });

  it.each([
    ['in the headers', inHeaders],
    ['in the trailers', inTrailers],
  ] as const)('decides in one of gRPC, %s', async (_, respond) => {
    for (const [status, kind] of [
      ['9', 'ONGOING'],
      ['10', 'FAILURE'],
    ] as const) {
      await using hostile = await FrameServer.start(respond(status, { ...HEADERS, 'content-type': GRPC_JSON }));
      expect((await call(hostile.address)).kind).toBe(kind);
    }
  });
});

describe('a call whose response has begun', () => {
  it('is not sent again when the server then denies having begun it', async () => {
    let calls = 0;
    await using hostile = await FrameServer.start(
      server((connection, stream) => {
        calls++;
        connection.headers(stream, HEADERS);
        connection.write(FRAME.reset, 0, stream, reset(7));
      }),
    );
    expect(await call(hostile.address)).toEqual({
      kind: 'UNKNOWN',
      reason: 'the call was ended without a status (HTTP/2 error REFUSED_STREAM)',
    });
    expect(calls).toBe(1);
  });
});

describe('late responses to many calls that have timed out', () => {
  it('do not end the connection with its other calls', async () => {
    const calls = 200;
    const late: number[] = [];
    let begun = 0;
    const silent = server(() => void begun++);
    await using hostile = await FrameServer.start({
      ...silent,
      received: (connection, frame) => {
        silent.received(connection, frame);
        if (frame.type !== FRAME.reset || late.push(frame.stream) < calls) return;
        for (const stream of late) connection.succeed(stream);
        connection.succeed(1);
      },
    });
    const slow = call(hostile.address, { timeoutMs: 20_000 });
    // Then no other call ends before it was sent.
    await vi.waitUntil(() => begun === 1, { timeout: 10_000 });
    const others = Array.from({ length: calls }, () => call(hostile.address, { timeoutMs: 100 }));
    expect((await Promise.all(others)).map(({ kind }) => kind)).toEqual(others.map(() => 'UNKNOWN'));
    expect(await slow).toEqual({ kind: 'SUCCESS', reason: '' });
    expect(hostile.connections.length).toBe(1);
  });
});

describe('the reason of a call', () => {
  it('names a server that speaks HTTP/1.1', async () => {
    await using hostile = await FrameServer.start({
      opened: ({ socket }) => void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
      received: () => undefined,
    });
    const { kind, reason } = await call(hostile.address);
    expect([kind, reason]).toEqual(['UNKNOWN', 'the server responds with HTTP/1.1, not with HTTP/2']);
  });

  it('names a connection that the server closes', async () => {
    await using hostile = await FrameServer.start(server(({ socket }) => void socket.end()));
    const { kind, reason } = await call(hostile.address);
    expect([kind, reason]).toEqual(['UNKNOWN', 'the connection was closed before a response']);
  });

  it('names the error of HTTP/2', async () => {
    await using hostile = await FrameServer.start(server((c, s) => c.write(FRAME.reset, 0, s, reset(2))));
    expect((await call(hostile.address)).reason).toBe(
      'the call was ended without a status (HTTP/2 error INTERNAL_ERROR)',
    );
  });
});

describe('a hostile gRPC server', () => {
  const settles: readonly (readonly [string, FrameBehaviour])[] = [
    ['never sends a byte', { received: () => {} }],
    ['never responds', server(() => {})],
    ['never acknowledges a ping', { opened: (c) => c.settings(), received: () => {} }],
    [
      'announces at once that it leaves',
      {
        opened: (c) => {
          c.settings();
          c.goaway(0);
        },
        received: () => {},
      },
    ],
    [
      'announces that it leaves, with an error',
      {
        opened: (c) => {
          c.settings();
          c.goaway(0, 11);
        },
        received: () => {},
      },
    ],
    [
      'allows no calls',
      {
        opened: (c) => c.settings([3, 0]),
        received: (c, f) => {
          if (f.type === FRAME.ping && f.flags === 0) c.acknowledge(f);
        },
      },
    ],
    ['has a window of 0 bytes', { opened: (c) => c.settings([4, 0]), received: () => {} }],
    [
      'has the largest window',
      {
        opened: (c) => {
          c.settings([4, 0x7fffffff]);
          c.write(FRAME.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]));
        },
        received: () => {},
      },
    ],
    ['resets each call', server((c, s) => c.write(FRAME.reset, 0, s, Buffer.from([0, 0, 0, 2])))],
    ['rejects each call', server((c, s) => c.write(FRAME.reset, 0, s, Buffer.from([0, 0, 0, 7])))],
    [
      'resets in the middle of the response',
      server((c, s) => {
        c.headers(s, HEADERS);
        c.write(FRAME.data, 0, s, Buffer.alloc(3));
        c.write(FRAME.reset, 0, s, Buffer.from([0, 0, 0, 0]));
      }),
    ],
    [
      'responds to a later call',
      {
        opened: (c) => {
          c.settings();
          c.headers(99, { ...HEADERS, 'grpc-status': '0' }, END_STREAM);
        },
        received: () => {},
      },
    ],
    ['pushes', server((c) => c.write(5, 4, 1, Buffer.from([0, 0, 0, 2])))],
    ['sends data before headers', server((c, s) => c.write(FRAME.data, 0, s, Buffer.alloc(5)))],
    [
      'sends informational headers without end',
      server((c, s) => {
        for (let i = 0; i < 1_000; i++) c.headers(s, { ':status': '103', link: 'x' });
      }),
    ],
    [
      'sends continuations without end',
      server((c, s) => {
        c.write(FRAME.headers, 0, s, Buffer.from([0, 1, 97, 1, 98]));
        for (let i = 0; i < 5_000; i++) c.write(9, 0, s, Buffer.from([0, 1, 97, 1, 98]));
      }),
    ],
    [
      'sends one byte at a time',
      server((c, s) => {
        c.headers(s, HEADERS);
        for (let i = 0; i < 5_000; i++) c.write(FRAME.data, 0, s, Buffer.alloc(1));
      }),
    ],
    [
      'sends empty data without end',
      server((c, s) => {
        c.headers(s, HEADERS);
        for (let i = 0; i < 5_000; i++) c.write(FRAME.data, 0, s);
      }),
    ],
    [
      'sends many trailers',
      server((c, s) => {
        c.headers(s, HEADERS);
        for (let i = 0; i < 100; i++) c.headers(s, { x: 'y' }, END_STREAM);
      }),
    ],
    [
      'sends several statuses',
      server((c, s) => c.headers(s, { ...HEADERS, 'grpc-status': '10', 'GRPC-STATUS': '0' }, END_STREAM)),
    ],
    [
      'sends the status twice',
      server((c, s) =>
        c.headers(s, [...Object.entries(HEADERS), ['grpc-status', '0'], ['grpc-status', '10']], END_STREAM),
      ),
    ],
    [
      'ends its response without a status',
      server((c, s) => {
        c.headers(s, HEADERS);
        c.write(FRAME.data, END_STREAM, s, Buffer.alloc(5));
      }),
    ],
    [
      'floods with settings',
      server((c) => {
        for (let i = 0; i < 5_000; i++) c.settings();
      }),
    ],
    [
      'floods with pings',
      server((c) => {
        for (let i = 0; i < 5_000; i++) c.write(FRAME.ping, 0, 0, Buffer.alloc(8));
      }),
    ],
    [
      'closes in the middle',
      server((c, s) => {
        c.headers(s, HEADERS);
        c.socket.end();
      }),
    ],
    ['resets the connection', server((c) => c.socket.resetAndDestroy())],
  ];

  it.each(settles)('that %s has each call settle in time, as UNKNOWN', async (_, behaviour) => {
    await using hostile = await FrameServer.start(behaviour);
    const results = await Promise.all(Array.from({ length: 5 }, () => call(hostile.address)));
    const again = await call(hostile.address);
    for (const { kind } of [...results, again]) expect(kind).toBe('UNKNOWN');
    await router.close();
  });
});
