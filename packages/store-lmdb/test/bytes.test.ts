import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../src/bytes.ts';

const value = fc.oneof(
  fc.record({ type: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 0xff }) }),
  fc.record({ type: fc.constant('u16' as const), value: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({ type: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
  fc.record({ type: fc.constant('u48' as const), value: fc.integer({ min: 0, max: 2 ** 48 - 1 }) }),
  fc.record({ type: fc.constant('text' as const), value: fc.string({ unit: 'binary', maxLength: 300 }) }),
);

describe('bytes', () => {
  it('reads back what was written, however small the buffer began', () => {
    fc.assert(
      fc.property(fc.array(value), fc.string({ unit: 'binary' }), (values, last) => {
        const writer = new ByteWriter(1);
        for (const next of values) {
          if (next.type === 'text') writer.text(next.value);
          else writer[next.type](next.value);
        }
        const reader = new ByteReader(writer.lastText(last).since(0));
        for (const next of values) expect(reader[next.type]()).toBe(next.value);
        expect(reader.lastText()).toBe(last);
        expect(reader.atEnd).toBe(true);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('keeps the order of numbers, so that keys sort by them', () => {
    const number = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [first, second] = [a, b].map((n) => new ByteWriter(6).u48(n).since(0));
        expect(Buffer.compare(first as Uint8Array, second as Uint8Array)).toBe(Math.sign(a - b));
      }),
      { seed: 3 },
    );
  });

  it('keeps views valid when the buffer grows', () => {
    const writer = new ByteWriter(8);
    const view = writer.text('abc').since(0);
    writer.lastText('x'.repeat(10_000));
    expect(new ByteReader(view).text()).toBe('abc');
  });

  it.each<[string, (reader: ByteReader) => unknown]>([
    ['u8', (reader) => reader.skip(3).u8()],
    ['u16', (reader) => reader.skip(2).u16()],
    ['u32', (reader) => reader.u32()],
    ['u48', (reader) => reader.u48()],
    ['text', (reader) => reader.text()],
    ['bytes', (reader) => reader.bytes(4)],
    ['skip', (reader) => reader.skip(4)],
  ])('reject a truncated value and report how many bytes are left: %s', (_name, read) => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    expect(() => read(reader)).toThrow(/^it is cut short: \d+ bytes are to be read, and [0-3] are left$/);
  });

  it('reject a position past their end, for every type of value', () => {
    for (const read of [(at: ByteReader) => at.bytes(), (at: ByteReader) => at.lastText(), (at: ByteReader) => at.u8()])
      expect(() => read(new ByteReader(Uint8Array.of(1), 260))).toThrow(/^it is cut short: .* and 0 are left$/);
  });
});
