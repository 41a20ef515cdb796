import { describe, expect, it } from 'vitest';
import { encodeHeaders, HTTP2_CODE } from '@holdfast/http2';
import { ACK, END_HEADERS, END_STREAM, frame, framesIn, HELLO, PADDED, TYPE, uint32 } from './support/frames.ts';
import { Side } from './support/side.ts';

const block = (...more: readonly (readonly [string, string])[]): Buffer =>
  encodeHeaders([[':method', 'POST'], [':scheme', 'http'], [':path', '/a'], ...more]);
const headers = (stream: number, fields = block(), flags = END_HEADERS): Buffer =>
  frame(TYPE.headers, flags, stream, fields);
const REQUEST = block();
const {
  protocolError,
  frameSizeError,
  flowControlError,
  streamClosed,
  compressionError,
  enhanceYourCalm,
  refusedStream,
  noError,
} = HTTP2_CODE;

/** What a server sends after its first frames, for a client that sends frames. */
function sentFor(frames: readonly Buffer[], side = new Side('server')) {
  side.connection.receive(HELLO, 0);
  framesIn(side.output);
  side.connection.receive(Buffer.concat(frames), 0);
  return framesIn(side.output);
}

/** The codes of GOAWAY and RST_STREAM frames, by their streams. */
const errorsFor = (frames: readonly Buffer[], side?: Side): readonly (readonly [stream: number, code: number])[] =>
  sentFor(frames, side).flatMap(({ type, stream, payload }) => {
    if (type === TYPE.goaway) return [[0, payload.readUInt32BE(4)] as const];
    return type === TYPE.reset ? [[stream, payload.readUInt32BE(0)] as const] : [];
  });

describe('a connection is ended with', () => {
  it.each([
    ['PROTOCOL_ERROR', 'DATA without a stream', [frame(TYPE.data, 0, 0, 'ab')], protocolError],
    ['PROTOCOL_ERROR', 'DATA for an idle stream', [frame(TYPE.data, 0, 1, 'ab')], protocolError],
    [
      'PROTOCOL_ERROR',
      'padding that is longer than the frame',
      [headers(1), frame(TYPE.data, PADDED, 1, '0500')],
      protocolError,
    ],
    ['FRAME_SIZE_ERROR', 'padding that is cut off', [headers(1), frame(TYPE.data, PADDED, 1)], frameSizeError],
    ['PROTOCOL_ERROR', 'HEADERS without a stream', [headers(0)], protocolError],
    ['PROTOCOL_ERROR', 'HEADERS for an even stream', [headers(2)], protocolError],
    ['PROTOCOL_ERROR', 'HEADERS for a stream that was skipped', [headers(5), headers(3)], protocolError],
    [
      'STREAM_CLOSED',
      'HEADERS for a stream that the client has reset',
      [headers(1), frame(TYPE.reset, 0, 1, uint32(8)), headers(1)],
      streamClosed,
    ],
    [
      'STREAM_CLOSED',
      'DATA for a stream that the client has reset',
      [headers(1), frame(TYPE.reset, 0, 1, uint32(8)), frame(TYPE.data, 0, 1)],
      streamClosed,
    ],
    ['COMPRESSION_ERROR', 'a malformed header block', [headers(1, Buffer.from([0x80]))], compressionError],
    [
      'FRAME_SIZE_ERROR',
      'a priority that is cut off',
      [headers(1, Buffer.alloc(3), END_HEADERS | 0x20)],
      frameSizeError,
    ],
    [
      'PROTOCOL_ERROR',
      'another frame within a header block',
      [headers(1, REQUEST, 0), frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'CONTINUATION for another stream',
      [headers(1, REQUEST, 0), frame(TYPE.continuation, END_HEADERS, 3)],
      protocolError,
    ],
    ['PROTOCOL_ERROR', 'CONTINUATION without HEADERS', [frame(TYPE.continuation, END_HEADERS, 1)], protocolError],
    [
      'ENHANCE_YOUR_CALM',
      'CONTINUATION without end',
      [headers(1, REQUEST, 0), ...Array.from({ length: 40 }, () => frame(TYPE.continuation, 0, 1))],
      enhanceYourCalm,
    ],
    [
      'ENHANCE_YOUR_CALM',
      'a header block of 80 KB',
      [
        headers(1, REQUEST, 0),
        ...Array.from({ length: 5 }, () => frame(TYPE.continuation, 0, 1, Buffer.alloc(16_384))),
      ],
      enhanceYourCalm,
    ],
    ['PROTOCOL_ERROR', 'RST_STREAM without a stream', [frame(TYPE.reset, 0, 0, uint32(8))], protocolError],
    ['PROTOCOL_ERROR', 'RST_STREAM for an idle stream', [frame(TYPE.reset, 0, 1, uint32(8))], protocolError],
    ['FRAME_SIZE_ERROR', 'RST_STREAM of 3 bytes', [headers(1), frame(TYPE.reset, 0, 1, 'ababab')], frameSizeError],
    ['PROTOCOL_ERROR', 'SETTINGS for a stream', [frame(TYPE.settings, 0, 1)], protocolError],
    ['FRAME_SIZE_ERROR', 'SETTINGS of 5 bytes', [frame(TYPE.settings, 0, 0, '0001000000')], frameSizeError],
    [
      'FRAME_SIZE_ERROR',
      'an acknowledgement with settings',
      [frame(TYPE.settings, ACK, 0, '000100000000')],
      frameSizeError,
    ],
    [
      'FLOW_CONTROL_ERROR',
      'a setting of a window above 2^31-1',
      [frame(TYPE.settings, 0, 0, '000480000000')],
      flowControlError,
    ],
    [
      'PROTOCOL_ERROR',
      'a setting of a frame size below 16,384',
      [frame(TYPE.settings, 0, 0, '000500003fff')],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'a setting of push other than 0 and 1',
      [frame(TYPE.settings, 0, 0, '000200000002')],
      protocolError,
    ],
    ['PROTOCOL_ERROR', 'PUSH_PROMISE', [frame(TYPE.push, END_HEADERS, 1, uint32(2))], protocolError],
    ['PROTOCOL_ERROR', 'PING for a stream', [frame(TYPE.ping, 0, 1, Buffer.alloc(8))], protocolError],
    ['FRAME_SIZE_ERROR', 'PING of 7 bytes', [frame(TYPE.ping, 0, 0, Buffer.alloc(7))], frameSizeError],
    ['PROTOCOL_ERROR', 'GOAWAY for a stream', [frame(TYPE.goaway, 0, 1, Buffer.alloc(8))], protocolError],
    ['FRAME_SIZE_ERROR', 'GOAWAY of 7 bytes', [frame(TYPE.goaway, 0, 0, Buffer.alloc(7))], frameSizeError],
    ['PROTOCOL_ERROR', 'a window that grows by 0 bytes', [frame(TYPE.window, 0, 0, uint32(0))], protocolError],
    [
      'FLOW_CONTROL_ERROR',
      'a window above 2^31-1',
      [frame(TYPE.window, 0, 0, uint32(0x7f_ff_ff_ff))],
      flowControlError,
    ],
    ['PROTOCOL_ERROR', 'WINDOW_UPDATE for an idle stream', [frame(TYPE.window, 0, 1, uint32(1))], protocolError],
    ['FRAME_SIZE_ERROR', 'WINDOW_UPDATE of 3 bytes', [frame(TYPE.window, 0, 0, 'ababab')], frameSizeError],
    [
      'FRAME_SIZE_ERROR',
      'a frame of more than 16,384 bytes',
      [frame(TYPE.data, 0, 1, Buffer.alloc(16_385))],
      frameSizeError,
    ],
    [
      'FLOW_CONTROL_ERROR',
      'a window of a stream above 2^31-1 by SETTINGS',
      [headers(1), frame(TYPE.window, 0, 1, uint32(0x7f_ff_00_00)), frame(TYPE.settings, 0, 0, '000400020000')],
      flowControlError,
    ],
  ] as const)('%s for %s', (_, __, frames, code) => {
    const side = new Side('server');
    expect(errorsFor(frames, side).at(-1)).toEqual([0, code]);
    expect(side.connection.isOver).toBe(true);
    // Nothing more is sent or received.
    side.connection.receive(headers(99), 0);
    side.connection.ping();
    expect(side.output.length).toBe(0);
    for (const { ends } of side.received) expect(ends.length).toBe(1);
  });

  it('PROTOCOL_ERROR when it does not begin with SETTINGS', () => {
    for (const first of [headers(1), frame(TYPE.settings, ACK), frame(TYPE.ping, 0, 0, Buffer.alloc(8))]) {
      const side = new Side('server');
      side.connection.receive(Buffer.concat([HELLO.subarray(0, 24), first]), 0);
      expect(side.ends.map((error) => error?.code)).toEqual([protocolError]);
    }
  });

  it('PROTOCOL_ERROR at the first byte that is not HTTP/2', () => {
    const side = new Side('server');
    for (const byte of 'PRI * HTTP/1') side.connection.receive(Buffer.from(byte), 0);
    expect(side.ends.map((error) => error?.code)).toEqual([protocolError]);
  });
});

describe('a stream is reset with', () => {
  const withField = (...field: readonly (readonly [string, string])[]): readonly Buffer[] => [
    headers(1, block(...field)),
  ];
  it.each([
    [
      'STREAM_CLOSED',
      'DATA after the end',
      [headers(1, REQUEST, END_HEADERS | END_STREAM), frame(TYPE.data, 0, 1)],
      streamClosed,
    ],
    [
      'STREAM_CLOSED',
      'HEADERS after the end',
      [headers(1, REQUEST, END_HEADERS | END_STREAM), headers(1)],
      streamClosed,
    ],
    [
      'PROTOCOL_ERROR',
      'trailers that are not the end',
      [headers(1), headers(1, encodeHeaders([['x', 'y']]))],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'trailers with a path',
      [headers(1), headers(1, REQUEST, END_HEADERS | END_STREAM)],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'a window that grows by 0 bytes',
      [headers(1), frame(TYPE.window, 0, 1, uint32(0))],
      protocolError,
    ],
    [
      'FLOW_CONTROL_ERROR',
      'a window above 2^31-1',
      [headers(1), frame(TYPE.window, 0, 1, uint32(0x7f_ff_ff_ff))],
      flowControlError,
    ],
    [
      'PROTOCOL_ERROR',
      'a priority that refers to itself',
      [headers(1, Buffer.concat([uint32(1), Buffer.alloc(1), REQUEST]), END_HEADERS | 0x20)],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'no path',
      [
        headers(
          1,
          encodeHeaders([
            [':method', 'POST'],
            [':scheme', 'http'],
          ]),
        ),
      ],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'an empty path',
      [
        headers(
          1,
          encodeHeaders([
            [':method', 'POST'],
            [':scheme', 'http'],
            [':path', ''],
          ]),
        ),
      ],
      protocolError,
    ],
    ['PROTOCOL_ERROR', 'two paths', withField([':path', '/b']), protocolError],
    ['PROTOCOL_ERROR', 'a pseudo-header field of responses', withField([':status', '200']), protocolError],
    ['PROTOCOL_ERROR', 'an unknown pseudo-header field', withField([':protocol', 'x']), protocolError],
    [
      'PROTOCOL_ERROR',
      'a pseudo-header field after another field',
      withField(['x', 'y'], [':authority', 'a']),
      protocolError,
    ],
    ['PROTOCOL_ERROR', 'a name in upper case', withField(['X-Y', 'z']), protocolError],
    ['PROTOCOL_ERROR', 'a name with a space', withField(['x y', 'z']), protocolError],
    ['PROTOCOL_ERROR', 'an empty name', withField(['', 'z']), protocolError],
    ['PROTOCOL_ERROR', 'a value with a line end', withField(['x', 'a\r\nb']), protocolError],
    ['PROTOCOL_ERROR', 'a value with NUL', withField(['x', 'a\0b']), protocolError],
    ['PROTOCOL_ERROR', 'a field of HTTP/1.1', withField(['transfer-encoding', 'chunked']), protocolError],
    ['PROTOCOL_ERROR', 'te other than trailers', withField(['te', 'gzip']), protocolError],
    ['PROTOCOL_ERROR', 'a length that is not a number', withField(['content-length', '-1']), protocolError],
    ['PROTOCOL_ERROR', 'two lengths', withField(['content-length', '1'], ['content-length', '2']), protocolError],
    [
      'PROTOCOL_ERROR',
      'more bytes than announced',
      [...withField(['content-length', '1']), frame(TYPE.data, 0, 1, 'abab')],
      protocolError,
    ],
    [
      'PROTOCOL_ERROR',
      'fewer bytes than announced',
      [...withField(['content-length', '3']), frame(TYPE.data, END_STREAM, 1, 'abab')],
      protocolError,
    ],
    [
      'ENHANCE_YOUR_CALM',
      'more fields than allowed',
      withField(...Array.from({ length: 126 }, () => ['x', 'y'] as const)),
      enhanceYourCalm,
    ],
    [
      'FLOW_CONTROL_ERROR',
      'more DATA than its window',
      [headers(1), ...Array.from({ length: 5 }, () => frame(TYPE.data, 0, 1, Buffer.alloc(16_384)))],
      flowControlError,
    ],
  ] as const)('%s for %s, and others are served', (_, __, frames, code) => {
    const side = new Side('server');
    side.consumes = false;
    expect(errorsFor(frames, side)).toEqual([[1, code]]);
    const first = side.received.find(({ stream }) => stream.id === 1);
    expect(first === undefined || first.ends.length === 1).toBe(true);
    side.connection.receive(headers(3, REQUEST, END_HEADERS | END_STREAM), 0);
    expect(side.received.at(-1)?.isComplete).toBe(true);
    expect(side.connection.isOver).toBe(false);
  });

  it('REFUSED_STREAM above the limit, until another one has ended', () => {
    const side = new Side('server', { maxStreams: 2 });
    expect(errorsFor([headers(1), headers(3), headers(5)], side)).toEqual([[5, refusedStream]]);
    side.connection.receive(Buffer.concat([frame(TYPE.reset, 0, 3, uint32(8)), headers(7)]), 0);
    expect(side.received.map(({ stream }) => stream.id)).toEqual([1, 3, 7]);
  });

  it('NO_ERROR when the response is complete before the request, and what still comes is ignored', () => {
    const side = new Side('server');
    sentFor([headers(1)], side);
    side.received[0]?.stream.sendHeaders(encodeHeaders([[':status', '200']]), true);
    expect(framesIn(side.output).map(({ type }) => type)).toEqual([TYPE.headers, TYPE.reset]);
    side.connection.receive(Buffer.concat([frame(TYPE.data, END_STREAM, 1, 'ab')]), 0);
    expect(side.output.length).toBe(0);
    expect(side.received[0]?.pieces).toEqual([]);
    expect(side.received[0]?.ends).toEqual([noError]);
  });
});

describe('a request with spaces around a value', () => {
  it('has the value without them, as gRPC permits', () => {
    const side = new Side('server');
    expect(errorsFor([headers(1, block(['x', ' \ta b\t '], ['y', '  ']))], side)).toEqual([]);
    expect(side.received[0]?.lists[0]?.slice(-2).map(({ value }) => value)).toEqual(['a b', '']);
  });
});
