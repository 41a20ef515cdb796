import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGrpcMessage, encodeGrpcMessage, formatGrpcTimeout, parseGrpcTimeout } from '@holdfast/protocol/grpc';

describe('grpc-message', () => {
  it('is printable ASCII of bounded length, and has the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = encodeGrpcMessage(text);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeGrpcMessage(encoded)).toBe(text);
      }),
    );
    expect(encodeGrpcMessage('größer 100 %\n')).toBe('gr%C3%B6%C3%9Fer 100 %25%0A');
    const long = encodeGrpcMessage('漢'.repeat(5_000));
    expect(long.length).toBeLessThanOrEqual(4 * 1024);
    expect(decodeGrpcMessage(long)).toMatch(/^漢+$/);
  });

  it('neither begins nor ends with a space, which receivers would drop with the whole field', () => {
    for (const text of [' ', '  ', ' x', 'no money ', `${'x'.repeat(5_000)} `, ' ü ']) {
      const encoded = encodeGrpcMessage(text);
      expect(encoded).toBe(encoded.trim());
      expect(decodeGrpcMessage(encoded)).toBe(text.slice(0, 4 * 1024));
    }
    expect(encodeGrpcMessage('no money ')).toBe('no money%20');
  });

  it('with a % that begins no byte keeps it', () => {
    expect(decodeGrpcMessage('100 % of %zz %4')).toBe('100 % of %zz %4');
    expect(decodeGrpcMessage('%c3%b6')).toBe('ö');
  });
});

describe('grpc-timeout', () => {
  it.each([
    ['1n', 1],
    ['100u', 1],
    ['250m', 250],
    ['3S', 3_000],
    ['2M', 120_000],
    ['1H', 3_600_000],
    ['99999999H', 99_999_999 * 3_600_000],
    ['100000000m', undefined],
    ['1', undefined],
    ['-1m', undefined],
    ['1.5S', undefined],
    ['', undefined],
  ])('%s is %s ms', (value, ms) => {
    expect(parseGrpcTimeout(value)).toBe(ms);
  });

  it('is written with at most eight digits, and never shorter than it is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 99_999_999_000, noNaN: true }), (ms) => {
        const written = formatGrpcTimeout(ms);
        expect(parseGrpcTimeout(written)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });
});
