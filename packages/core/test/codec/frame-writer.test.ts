import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../src/codec/frame.ts';
import { FrameWriter, piece, quotedPieces } from '../../src/codec/frame-writer.ts';

const headOf = (frame: Buffer): string => frame.toString('utf8', 9, 9 + frame.readUInt32BE(1));

/** Numbers around the limits of 32 bits and of the parts in which a long number is written. */
const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.nat(2 ** 31 - 1).map((n) => n * 1e6),
  fc.constantFrom(0, -0, -1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 999_999, 1e6),
  fc.constantFrom(1_790_000_000_000, 1_790_000_000_001, 2 ** 53 - 1, 1e21, 0.5, 1e-7),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
  fc.constantFrom('', '"', '\\', '\n', '\x7f', '\u2028', '\ud800', '\udc00x', 'é', 'x'.repeat(64), 'x'.repeat(65)),
);

describe('a frame written by hand', () => {
  it('has numbers and texts as JSON.stringify writes them', () => {
    const writer = new FrameWriter();
    fc.assert(
      fc.property(fc.array(fc.oneof(numbers, texts), { maxLength: 20 }), (values) => {
        const head = writer.begin(1).rare('[');
        values.forEach((value, i) => {
          if (i > 0) head.json(piece(','));
          if (typeof value === 'number') head.number(value);
          else head.quoted(value);
        });
        expect(headOf(head.rare(']').end([]))).toBe(JSON.stringify(values));
      }),
      { numRuns: 1_000 },
    );
  });

  it('has the texts of a closed set, and any value', () => {
    const set = quotedPieces(['a', 'b c']);
    const frame = new FrameWriter()
      .begin(7)
      .json(set.a)
      .json(set['b c'])
      .value({ x: [1, 'é'] })
      .end([]);
    expect(frame[0]).toBe(7);
    expect(headOf(frame)).toBe('"a""b c"{"x":[1,"é"]}');
  });

  it('keeps its bytes while others are written, whatever their lengths', () => {
    const writer = new FrameWriter();
    const lengths = fc.array(fc.tuple(fc.nat(9_000), fc.nat(9_000)), { maxLength: 30 });
    fc.assert(
      fc.property(lengths, (frames) => {
        const written = frames.map(([head, body], i) => {
          const text = String(i % 10).repeat(head);
          const bodies = [Buffer.alloc(body, i), new Uint8Array(3).fill(i + 1)];
          return { frame: writer.begin(1).quoted(text).end(bodies), text, body: Buffer.concat(bodies) };
        });
        for (const { frame, text, body } of written)
          expect(decodeFrame(frame, 1, 'test', (read) => [read.head, Buffer.compare(read.body, body)])).toEqual([
            text,
            0,
          ]);
      }),
    );
  });

  it('that an exception has cut short is discarded', () => {
    const writer = new FrameWriter();
    const first = writer.begin(1).quoted('first').end([]);
    writer.begin(1).quoted('half');
    expect(headOf(writer.begin(1).quoted('second').end([]))).toBe('"second"');
    expect(headOf(first)).toBe('"first"');
  });

  it('does not keep the memory of small ones when it is long', () => {
    const writer = new FrameWriter();
    const small = writer.begin(1).quoted('small').end([]);
    const long = writer
      .begin(1)
      .quoted('long')
      .end([Buffer.alloc(100_000)]);
    expect(long.buffer).not.toBe(small.buffer);
    expect(writer.begin(1).quoted('next').end([]).buffer).not.toBe(long.buffer);
  });
});
