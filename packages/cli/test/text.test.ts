import { array, assert, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, padEnd, widthOf, wrap } from '../src/output/text.ts';
import { duration, parseMoment } from '../src/output/time.ts';

describe('text for a terminal', () => {
  it('wraps any text into the width without losing a character', () => {
    assert(
      property(array(string({ minLength: 1, unit: 'grapheme' })), integer({ min: 2, max: 40 }), (words, width) => {
        const text = words.join(' ');
        const wrapped = wrap(text, width);
        expect(wrapped.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        for (const line of wrapped) expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('counts columns of a terminal: two for wide characters, one for composed ones', () => {
    expect(widthOf('abc')).toBe(3);
    expect(widthOf('订单')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(padEnd('订单', 6)).toBe('订单  ');
  });

  it('cuts to the width, with a sign that something is missing', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdefg', 6)).toBe('abcde…');
  });
});

describe('human-readable times', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_999, '59.9 s'],
    [60_000, '1 m 00 s'],
    [3_599_999, '59 m 59 s'],
    [3_600_000, '1 h 00 m'],
    [90_000_000, '1 d 01 h'],
    [-5, '0 ms'],
  ])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  it.each([
    ['90s', 10_000],
    ['1m', 40_000],
    ['1970-01-01T00:00:10Z', 10_000],
    ['1970-01-02', 86_400_000],
  ])('%s is a point in time', (text, atMs) => expect(parseMoment(text, 100_000)).toBe(atMs));

  it.each(['', 'soon', '5', '5x', '-5m', '2026-13-01'])('%j is not a point in time', (text) => {
    expect(parseMoment(text, 100_000)).toBeUndefined();
  });
});
