import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeaders } from '@holdfast/http2';
import { END_HEADERS, END_STREAM, frame, framesIn, HELLO, TYPE, uint32 } from './support/frames.ts';
import { Side } from './support/side.ts';

const REQUEST = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a'],
] as const;
const RESPONSE = [[':status', '200']] as const;

const id = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 13 }) }, fc.nat(0x7f_ff_ff_ff));
const flags = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, 4, 5) }, fc.nat(255));
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
const number = fc
  .oneof(fc.constantFrom(0, 1, 100, 65_535, 0x7f_ff_ff_ff, 0xff_ff_ff_ff), fc.nat(1_000))
  .map((value) => uint32(value));

/** Frames, mostly well-formed ones in any order. */
const frames = (known: readonly (readonly [string, string])[]) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(id, fc.boolean(), fc.boolean()).map(([stream, isLast, isComplete]) => {
        const fields = encodeHeaders(known);
        return frame(TYPE.headers, (isLast ? END_STREAM : 0) | (isComplete ? END_HEADERS : 0), stream, fields);
      }),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(id, flags, bytes).map(([stream, bits, data]) => frame(TYPE.data, bits, stream, data)),
    },
    { weight: 2, arbitrary: fc.tuple(id, number).map(([stream, code]) => frame(TYPE.reset, 0, stream, code)) },
    { weight: 3, arbitrary: fc.tuple(id, number).map(([stream, more]) => frame(TYPE.window, 0, stream, more)) },
    fc
      .tuple(fc.nat(7), number)
      .map(([setting, value]) => frame(TYPE.settings, 0, 0, Buffer.concat([Buffer.from([0, setting]), value]))),
    fc.tuple(flags, bytes).map(([bits, data]) => frame(TYPE.settings, bits, 0, data)),
    bytes.map((data) => frame(TYPE.ping, 0, 0, Buffer.concat([data, Buffer.alloc(8)]).subarray(0, 8))),
    fc.tuple(number, number).map(([last, code]) => frame(TYPE.goaway, 0, 0, Buffer.concat([last, code]))),
    fc.tuple(id, flags, bytes).map(([stream, bits, data]) => frame(TYPE.continuation, bits, stream, data)),
    fc.tuple(fc.nat(12), flags, id, bytes).map(([type, bits, stream, data]) => frame(type, bits, stream, data)),
  );

const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 30 });

/** Passes bytes on in pieces, and lets the side under test respond now and then. */
function feed(side: Side, all: Buffer, sizes: readonly number[]): { input: number; output: number } {
  let at = 0;
  let output = side.output.length;
  const step = (size: number): void => {
    side.connection.receive(all.subarray(at, at + size), at);
    at = Math.min(all.length, at + size);
    const sent = side.output;
    // Every byte that is sent belongs to a whole frame.
    expect(framesIn(sent).every(({ payload }) => payload.length <= 16_384)).toBe(true);
    output += sent.length;
  };
  for (const size of sizes) step(size);
  step(all.length - at);
  return { input: all.length, output };
}

function expectConsistent(side: Side): void {
  for (const { ends, stream } of side.received) {
    expect(ends.length).toBe(stream.state === 'closed' ? 1 : 0);
  }
  expect(side.ends.length).toBe(side.connection.isOver ? 1 : 0);
  const open = side.received.filter(({ stream }) => stream.state !== 'closed').length;
  expect(side.connection.streamCount).toBe(open);
  side.connection.disconnected();
  for (const { ends } of side.received) expect(ends.length).toBe(1);
  expect(side.ends.length).toBe(1);
  // An error that is not the peer's would be a bug.
  for (const error of side.ends) expect(error?.cause).toBeUndefined();
}

const OK = encodeHeaders(RESPONSE);

describe('a server that receives any frames', () => {
  it('notifies each receiver of its end once, and sends whole frames only', () => {
    fc.assert(
      fc.property(fc.array(frames(REQUEST), { maxLength: 60 }), cuts, fc.nat(3), (list, sizes, behaviour) => {
        const side = new Side('server');
        side.completed = ({ stream }) => {
          if (behaviour === 0) return;
          stream.sendHeaders(OK);
          stream.sendData(Buffer.alloc(behaviour * 40_000));
          if (behaviour === 3) stream.reset(8);
          stream.sendTrailers(OK);
        };
        feed(side, Buffer.concat([HELLO, ...list]), sizes);
        expectConsistent(side);
      }),
      { numRuns: 1_500 },
    );
  });

  it('sends few bytes for those that it receives, unless it responds', () => {
    fc.assert(
      fc.property(fc.array(frames(REQUEST), { maxLength: 60 }), cuts, (list, sizes) => {
        const { input, output } = feed(new Side('server'), Buffer.concat([HELLO, ...list]), sizes);
        // SETTINGS and GOAWAY, and a reset of 13 bytes for a frame of at least 9.
        expect(output).toBeLessThan(350 + 2 * input);
      }),
      { numRuns: 500 },
    );
  });

  it('does the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(frames(REQUEST), { maxLength: 40 }), cuts, (list, sizes) => {
        const all = Buffer.concat([HELLO, ...list]);
        const results = [[], sizes].map((each) => {
          const side = new Side('server');
          side.completed = ({ stream }) => stream.sendHeaders(OK, true);
          feed(side, all, each);
          return side.received.map(({ stream, lists, body, ends }) => [stream.id, lists.length, body, ends]);
        });
        expect(results[0]).toEqual(results[1]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a client that receives any frames', () => {
  it('notifies each receiver of its end once', () => {
    fc.assert(
      fc.property(fc.array(frames(RESPONSE), { maxLength: 60 }), cuts, (list, sizes) => {
        const side = new Side('client');
        for (let index = 0; index < 5; index++) {
          const { stream } = side.request(encodeHeaders(REQUEST));
          stream.sendData(Buffer.alloc(20_000), true);
        }
        feedClient(side, Buffer.concat([frame(TYPE.settings), ...list]), sizes);
        expectConsistent(side);
      }),
      { numRuns: 1_500 },
    );
  });
});

/** As `feed`, without the preface, which is not a frame. */
function feedClient(side: Side, all: Buffer, sizes: readonly number[]): void {
  expect(side.output.subarray(0, 3).toString()).toBe('PRI');
  feed(side, all, sizes);
}
