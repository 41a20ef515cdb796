import { describe, expect, it } from 'vitest';
import { encodeHeaders, HTTP2_CODE } from '@holdfast/http2';
import { ACK, END_HEADERS, END_STREAM, frame, framesIn, HELLO, TYPE, uint32 } from './support/frames.ts';
import { exchange, Side } from './support/side.ts';

const REQUEST = encodeHeaders([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a'],
]);
const RESPONSE = encodeHeaders([[':status', '200']]);
const request = (stream: number, flags = END_HEADERS | END_STREAM): Buffer =>
  frame(TYPE.headers, flags, stream, REQUEST);
const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8));

function opened(limits = {}): Side {
  const side = new Side('server', limits);
  side.connection.receive(HELLO, 0);
  side.connection.receive(frame(TYPE.settings, ACK), 0);
  framesIn(side.output);
  return side;
}

describe('a flood of', () => {
  it.each([
    ['PING', () => ping],
    ['acknowledgements of PING', () => frame(TYPE.ping, ACK, 0, Buffer.alloc(8))],
    ['SETTINGS', () => frame(TYPE.settings)],
    ['acknowledgements of SETTINGS', () => frame(TYPE.settings, ACK)],
    ['PRIORITY', () => frame(TYPE.priority, 0, 1, '0000000000')],
    ['unknown frames', () => frame(0xee, 0, 0, Buffer.alloc(8))],
    ['windows of 1 byte', () => frame(TYPE.window, 0, 0, uint32(1))],
    ['GOAWAY', () => frame(TYPE.goaway, 0, 0, Buffer.alloc(8))],
    ['empty DATA', () => frame(TYPE.data, 0, 1)],
    [
      'streams that are opened and reset',
      (n: number) => Buffer.concat([request(2 * n + 3), frame(TYPE.reset, 0, 2 * n + 3, uint32(8))]),
    ],
    ['streams that are malformed', (n: number) => frame(TYPE.headers, END_HEADERS, 2 * n + 3, Buffer.from([0x82]))],
    [
      'streams that the server has to reset',
      (n: number) => Buffer.concat([request(2 * n + 3), frame(TYPE.window, 0, 2 * n + 3, uint32(0))]),
    ],
    ['streams above the limit', (n: number) => request(2 * n + 3)],
  ])('%s ends the connection, and is served up to a bound', (_, next) => {
    const side = opened({ maxStreams: 10 });
    side.connection.receive(request(1, END_HEADERS), 0);
    let count = 0;
    let output = 0;
    for (; !side.connection.isOver && count < 10_000; count++) {
      side.connection.receive(next(count), count / 100);
      output += side.output.length;
    }
    expect(side.ends.map((error) => error?.code)).toEqual([HTTP2_CODE.enhanceYourCalm]);
    expect(count).toBeGreaterThan(500);
    expect(count).toBeLessThan(2_500);
    expect(output).toBeLessThan(100_000);
  });

  it('is none if as many frames come in a longer time, or between calls', () => {
    const slow = opened();
    for (let count = 0; count < 10_000; count++) slow.connection.receive(ping, 10 * count);
    expect(slow.connection.isOver).toBe(false);
    const busy = opened();
    busy.completed = ({ stream }) => stream.sendHeaders(RESPONSE, true);
    for (let id = 1; id < 10_000; id += 2) busy.connection.receive(Buffer.concat([request(id), ping, ping, ping]), 0);
    expect(busy.connection.isOver).toBe(false);
  });
});

describe('SETTINGS', () => {
  it('that are not acknowledged in time end the connection', () => {
    const side = new Side('server', { settingsTimeoutMs: 1_000 });
    side.connection.receive(HELLO, 0);
    side.connection.check(1_000);
    expect(side.connection.isOver).toBe(false);
    side.connection.check(1_001);
    expect(side.ends.map((error) => error?.code)).toEqual([HTTP2_CODE.settingsTimeout]);
  });

  it('are awaited from a client that sends nothing as well', () => {
    const side = new Side('server', { settingsTimeoutMs: 1_000 });
    side.connection.check(1_001);
    expect(side.connection.isOver).toBe(true);
  });
});

describe('a server that leaves', () => {
  it('announces it, takes what was sent before, and then names its last stream', () => {
    const side = opened();
    side.completed = undefined;
    side.connection.receive(request(1), 0);
    side.connection.leave();
    const [goaway, sentPing] = framesIn(side.output);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([0x7f_ff_ff_ff, 0]);
    // Sent before the client received the announcement.
    side.connection.receive(request(3), 0);
    side.connection.receive(frame(TYPE.ping, ACK, 0, sentPing?.payload), 0);
    const [last] = framesIn(side.output);
    expect([last?.type, last?.payload.readUInt32BE(0), last?.payload.readUInt32BE(4)]).toEqual([TYPE.goaway, 3, 0]);
    // Not taken: the client repeats it.
    side.connection.receive(Buffer.concat([request(5, END_HEADERS), frame(TYPE.data, END_STREAM, 5, 'ab')]), 0);
    expect(side.received.map(({ stream }) => stream.id)).toEqual([1, 3]);
    expect(side.connection.isOver).toBe(false);
    for (const { stream } of side.received) stream.sendHeaders(RESPONSE, true);
    expect(side.ends).toEqual([undefined]);
    expect(framesIn(side.output).map(({ type }) => type)).toEqual([TYPE.headers, TYPE.headers]);
  });

  it('is over at once without streams', () => {
    const side = opened();
    side.connection.leaveNow();
    expect(framesIn(side.output).map(({ type, payload }) => [type, payload.readUInt32BE(4)])).toEqual([
      [TYPE.goaway, 0],
    ]);
    expect(side.ends).toEqual([undefined]);
  });

  it('leaves in time when a client has nearly used up its streams', () => {
    const side = opened();
    side.completed = ({ stream }) => stream.sendHeaders(RESPONSE, true);
    side.connection.receive(request(2 ** 31 - 200_003), 0);
    expect(side.connection.isLeaving).toBe(false);
    framesIn(side.output);
    side.connection.receive(request(2 ** 31 - 199_999), 0);
    expect(framesIn(side.output).map(({ type }) => type)).toContain(TYPE.goaway);
    expect(side.received.length).toBe(2);
  });

  it('with a client that has announced the same is over when its streams have ended', () => {
    const side = opened();
    side.connection.receive(Buffer.concat([request(1), frame(TYPE.goaway, 0, 0, Buffer.alloc(8))]), 0);
    expect([side.isPeerLeaving, side.connection.isOver]).toEqual([true, false]);
    side.received[0]?.stream.sendHeaders(RESPONSE, true);
    expect(side.ends).toEqual([undefined]);
  });
});

describe('a client', () => {
  it('opens as many streams as the server permits, and is notified of room', () => {
    const client = new Side('client');
    const server = new Side('server', { maxStreams: 2 });
    exchange(client, server);
    expect(client.rooms).toBe(1);
    const first = client.request(REQUEST);
    client.request(REQUEST);
    expect(client.connection.canRequest).toBe(false);
    first.stream.reset(HTTP2_CODE.cancel);
    expect([client.rooms, client.connection.canRequest]).toEqual([2, true]);
  });

  it('is notified which streams a leaving server did not begin', () => {
    const client = new Side('client');
    client.connection.receive(frame(TYPE.settings), 0);
    const [first, second] = [client.request(REQUEST), client.request(REQUEST)];
    client.connection.receive(frame(TYPE.goaway, 0, 0, Buffer.concat([uint32(1), uint32(0)])), 0);
    expect([first.ends, second.ends]).toEqual([[], [HTTP2_CODE.refusedStream]]);
    expect([client.isPeerLeaving, client.connection.canRequest]).toEqual([true, false]);
    client.connection.receive(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, RESPONSE), 0);
    // Its own side is not complete.
    expect(client.connection.isOver).toBe(false);
    first.stream.sendData(Buffer.alloc(0), true);
    expect([first.ends, client.ends]).toEqual([[undefined], [undefined]]);
  });

  it('skips informational responses, and has no body before a response', () => {
    const client = new Side('client');
    client.connection.receive(frame(TYPE.settings), 0);
    const [first, second] = [client.request(REQUEST), client.request(REQUEST)];
    const early = encodeHeaders([[':status', '103']]);
    client.connection.receive(
      Buffer.concat([
        frame(TYPE.headers, END_HEADERS, 1, early),
        frame(TYPE.headers, END_HEADERS, 1, RESPONSE),
        frame(TYPE.data, END_STREAM, 3, 'ab'),
      ]),
      0,
    );
    expect(first.lists.map((fields) => fields[0]?.value)).toEqual(['200']);
    expect(second.ends).toEqual([HTTP2_CODE.protocolError]);
  });

  it('sends a long block in several frames', () => {
    const client = new Side('client');
    const server = new Side('server');
    const value = 'x'.repeat(40_000);
    client.request(
      encodeHeaders([
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', '/a'],
        ['x', value],
      ]),
    );
    exchange(client, server);
    expect(server.received[0]?.lists[0]?.at(-1)?.value).toBe(value);
  });
});

describe('frames of one turn', () => {
  it('are one notification and one chunk', () => {
    const side = opened();
    side.connection.receive(Buffer.concat([request(1), request(3)]), 0);
    side.wantedOutput = 0;
    for (const { stream } of side.received) {
      stream.sendHeaders(RESPONSE);
      stream.sendData(Buffer.alloc(100));
      stream.sendTrailers(RESPONSE);
    }
    expect(side.wantedOutput).toBe(1);
    expect(side.connection.takeOutput().length).toBe(1);
  });
});

describe('a header block', () => {
  const long = 'x'.repeat(4_000);
  const literal = (first: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([first, 0x7f]), varint(text.length - 127), Buffer.from(text), Buffer.from([0])]);
  /** What follows a prefix of 7 bits that is full. */
  function varint(value: number): Buffer {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    return Buffer.from([...bytes, rest]);
  }

  it('that repeats a long field of the table thousands of times ends the connection', () => {
    const side = opened();
    // A field for the table, then an empty value with its name each.
    const block = Buffer.concat([REQUEST, literal(0x40, long), Buffer.alloc(9_000, Buffer.from([0x0f, 47, 0]))]);
    side.connection.receive(frame(TYPE.headers, END_HEADERS | END_STREAM, 1, block), 0);
    expect(side.received).toEqual([]);
    expect(side.ends.map((error) => [error?.code, error?.message])).toEqual([
      [HTTP2_CODE.enhanceYourCalm, 'the header fields are far too long'],
    ]);
  });
});
