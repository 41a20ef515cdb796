import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeaders, HTTP2_CODE } from '@holdfast/http2';
import { END_HEADERS, END_STREAM, type Frame, frame, framesIn, HELLO, TYPE, uint32 } from './support/frames.ts';
import { exchange, type Received, Side } from './support/side.ts';

const REQUEST = encodeHeaders([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a'],
]);
const RESPONSE = encodeHeaders([[':status', '200']]);
const TRAILERS = encodeHeaders([['x-status', '0']]);
const request = (stream: number): Buffer => frame(TYPE.headers, END_HEADERS | END_STREAM, stream, REQUEST);
const window = (stream: number, bytes: number): Buffer => frame(TYPE.window, 0, stream, uint32(bytes));
const initialWindow = (bytes: number): Buffer =>
  frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));

/** A server with requests in progress, whose first frames were sent. */
function serving(frames: readonly Buffer[]): Side {
  const side = new Side('server');
  side.connection.receive(Buffer.concat([HELLO, ...frames]), 0);
  framesIn(side.output);
  return side;
}

const streamOf = (side: Side, index = 0) => (side.received[index] as Received).stream;
const dataIn = (frames: readonly Frame[]): readonly (readonly [stream: number, bytes: number])[] =>
  frames.filter(({ type }) => type === TYPE.data).map(({ stream, payload }) => [stream, payload.length]);
/** The bytes of DATA that a side sends after it receives frames. */
function dataAfter(side: Side, ...frames: readonly Buffer[]) {
  side.connection.receive(Buffer.concat(frames), 0);
  return dataIn(framesIn(side.output));
}

describe('a response', () => {
  it('is sent up to the window of its stream, and its trailers after the rest', () => {
    const side = serving([initialWindow(10), request(1)]);
    const stream = streamOf(side);
    stream.sendHeaders(RESPONSE);
    expect(stream.sendData(Buffer.alloc(25))).toBe(false);
    stream.sendTrailers(TRAILERS);
    expect(dataIn(framesIn(side.output))).toEqual([[1, 10]]);
    expect(dataAfter(side, window(1, 10))).toEqual([[1, 10]]);
    side.connection.receive(window(1, 10), 0);
    expect(framesIn(side.output).map(({ type, flags }) => [type, flags & END_STREAM])).toEqual([
      [TYPE.data, 0],
      [TYPE.headers, END_STREAM],
    ]);
    expect(side.received[0]?.ends).toEqual([undefined]);
  });

  it('waits while SETTINGS have made the window of its stream negative', () => {
    const side = serving([initialWindow(10), request(1)]);
    streamOf(side).sendHeaders(RESPONSE);
    streamOf(side).sendData(Buffer.alloc(20));
    framesIn(side.output);
    expect(dataAfter(side, initialWindow(0), window(1, 10))).toEqual([]);
    expect(dataAfter(side, window(1, 3))).toEqual([[1, 3]]);
    expect(dataAfter(side, initialWindow(5))).toEqual([[1, 5]]);
    expect(side.received[0]?.drainedCount).toBe(0);
    expect(dataAfter(side, initialWindow(100))).toEqual([[1, 2]]);
    expect(side.received[0]?.drainedCount).toBe(1);
  });

  it('without bytes ends in any window', () => {
    const side = serving([initialWindow(0), request(1)]);
    streamOf(side).sendHeaders(RESPONSE);
    streamOf(side).sendData(Buffer.alloc(0), true);
    expect(dataIn(framesIn(side.output))).toEqual([[1, 0]]);
    expect(side.received[0]?.ends).toEqual([undefined]);
  });

  it('shares the window of the connection with others, frame by frame', () => {
    const side = serving([initialWindow(1_000_000), request(1), request(3)]);
    for (const index of [0, 1]) {
      streamOf(side, index).sendHeaders(RESPONSE);
      streamOf(side, index).sendData(Buffer.alloc(100_000), true);
    }
    framesIn(side.output);
    expect(
      dataAfter(side, window(0, 4 * 16_384))
        .map(([stream]) => stream)
        .toSorted((one, other) => one - other),
    ).toEqual([1, 1, 3, 3]);
  });

  it('is not sent while the socket is congested, and continues after it', () => {
    const side = serving([request(1)]);
    side.connection.congested(true);
    streamOf(side).sendHeaders(RESPONSE);
    expect(streamOf(side).sendData(Buffer.alloc(10), true)).toBe(false);
    expect(dataIn(framesIn(side.output))).toEqual([]);
    side.connection.congested(false);
    expect(dataIn(framesIn(side.output))).toEqual([[1, 10]]);
  });

  it('that is not taken for too long is reset', () => {
    const side = serving([initialWindow(0), request(1)]);
    side.connection.receive(frame(TYPE.settings, 1), 0);
    streamOf(side).sendHeaders(RESPONSE);
    streamOf(side).sendData(Buffer.alloc(10), true);
    side.connection.check(30_000);
    expect(side.received[0]?.ends).toEqual([]);
    side.connection.check(30_001);
    expect(side.received[0]?.ends).toEqual([HTTP2_CODE.cancel]);
    expect(side.connection.isOver).toBe(false);
  });

  it('is held in bounded number: then new requests are rejected until it is gone', () => {
    const side = new Side('server', { maxQueuedBytes: 100_000 });
    side.connection.receive(Buffer.concat([HELLO, initialWindow(0), request(1)]), 0);
    streamOf(side).sendHeaders(RESPONSE);
    streamOf(side).sendData(Buffer.alloc(100_001), true);
    side.connection.receive(request(3), 0);
    expect(side.received.length).toBe(1);
    side.connection.receive(Buffer.concat([frame(TYPE.reset, 0, 1, uint32(8)), request(5)]), 0);
    expect(side.received.map(({ stream }) => stream.id)).toEqual([1, 5]);
  });

  it('is reset if too much of others waits, whenever its request came', () => {
    const side = new Side('server', { maxQueuedBytes: 100_000 });
    const requests = Array.from({ length: 100 }, (_, index) => request(2 * index + 1));
    side.connection.receive(Buffer.concat([HELLO, initialWindow(0), ...requests]), 0);
    for (const { stream } of side.received) {
      stream.sendHeaders(RESPONSE);
      stream.sendData(Buffer.alloc(40_000));
      stream.sendTrailers(TRAILERS);
    }
    expect(side.received.slice(0, 2).map(({ ends }) => ends)).toEqual([[], []]);
    expect(side.received.slice(2).every(({ ends }) => ends[0] === HTTP2_CODE.enhanceYourCalm)).toBe(true);
    expect(side.connection.isOver).toBe(false);
    framesIn(side.output);
    const sent = dataAfter(side, window(1, 65_535), window(3, 65_535));
    expect(new Set(sent.map(([stream]) => stream))).toEqual(new Set([1, 3]));
  });
});

describe('a request', () => {
  const post = frame(TYPE.headers, END_HEADERS, 1, REQUEST);
  const data = frame(TYPE.data, 0, 1, Buffer.alloc(16_384));

  it('that is not consumed has its window used up, and the connection’s is restored', () => {
    const side = serving([]);
    side.consumes = false;
    const windows = (...frames: readonly Buffer[]) => {
      side.connection.receive(Buffer.concat(frames), 0);
      return framesIn(side.output).filter(({ type }) => type === TYPE.window);
    };
    expect(windows(post, data, data, data)).toEqual([]);
    // A stream for each 48 KB.
    const others = Array.from({ length: 15 }, (_, index) => 2 * index + 3);
    const updates = others.flatMap((id) =>
      windows(
        frame(TYPE.headers, END_HEADERS, id, REQUEST),
        ...[1, 2, 3].map(() => frame(TYPE.data, 0, id, Buffer.alloc(16_384))),
      ),
    );
    expect(updates.every(({ stream }) => stream === 0)).toBe(true);
    expect(updates.length).toBe(1);
    streamOf(side).consume(3 * 16_384);
    expect(framesIn(side.output).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)])).toEqual([
      [1, 3 * 16_384],
    ]);
  });

  it('has padding and bytes of no stream counted', () => {
    const side = serving([post]);
    const padded = frame(TYPE.data, 8, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(300)]));
    side.connection.receive(Buffer.concat(Array.from({ length: 3_000 }, () => padded)), 0);
    // 900 KB were received: without the padding the windows would be used up.
    expect(side.connection.isOver).toBe(false);
    expect(side.received[0]?.body.length).toBe(3_000 * 45);
  });
});

describe('both sides of a connection', () => {
  it('transfer any bodies, whatever the windows', () => {
    const length = fc.oneof(fc.constantFrom(0, 1, 16_384, 65_535, 65_536), fc.nat(200_000));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(length, length, fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(1_000, 65_535, 1_000_000),
        (calls, size) => {
          const client = new Side('client', { connectionWindow: Math.max(65_535, size) });
          const server = new Side('server', { connectionWindow: Math.max(65_535, size) });
          const bodies = calls.map(([sent], index) => Buffer.alloc(sent, index));
          server.completed = ({ stream }) => {
            const [, bytes = 0, hasTrailers] = calls[(stream.id - 1) / 2] ?? [];
            stream.sendHeaders(RESPONSE);
            stream.sendData(Buffer.alloc(bytes, stream.id), hasTrailers !== true);
            if (hasTrailers === true) stream.sendTrailers(TRAILERS);
          };
          exchange(client, server);
          const requests = bodies.map((body) => {
            const received = client.request(REQUEST);
            received.stream.sendData(body, true);
            return received;
          });
          exchange(client, server);
          // Comparing bytes one by one takes long.
          expect(server.received.length).toBe(calls.length);
          expect(server.received.every(({ body }, index) => body.equals(bodies[index] as Buffer))).toBe(true);
          for (const [index, { body, lists, ends }] of requests.entries()) {
            expect(body.equals(Buffer.alloc(calls[index]?.[1] ?? 0, 2 * index + 1))).toBe(true);
            expect([lists.length, ends]).toEqual([calls[index]?.[2] === true ? 2 : 1, [undefined]]);
          }
          expect([client.connection.streamCount, server.connection.streamCount]).toEqual([0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
