import { PATTERNS, STATUSES } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertOf } from '@holdfast/testing/store-cases';
import { callOf } from '../src/batch.ts';
import { tablesOf } from '../src/schema.ts';
import { bytes, number, text, word } from '../src/sql.ts';

describe('values in statements', () => {
  it('texts and bytes end where they should, whatever they contain', () => {
    expect(text(`a'; drop table t; -- \\`)).toBe(`'a''; drop table t; -- \\'`);
    expect(bytes(Buffer.from(`'\0\\`))).toBe(`'''\0\\'`);
  });

  it('numbers are whole and in digits; what is not a number is rejected', () => {
    expect([1.2, -0.5, 1e21, -Infinity, Infinity].map(number)).toEqual([
      '2',
      '0',
      '9007199254740991',
      '-9007199254740991',
      '9007199254740991',
    ]);
    for (const value of [NaN, '1 or 1=1', undefined, null, { toString: 0 }])
      expect(() => number(value as number)).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
  });

  it('whatever is passed as a number is digits or an error', () => {
    const anything = fc.oneof(fc.double(), fc.integer(), fc.bigInt(), fc.string(), fc.anything());
    fc.assert(
      fc.property(anything, (value) => {
        let literal: string;
        try {
          literal = number(value as number);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
          expect(typeof value !== 'number' || Number.isNaN(value)).toBe(true);
          return;
        }
        expect(literal).toMatch(/^-?\d{1,16}$/);
        expect(Number.isSafeInteger(Number(literal))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('whatever is passed as a text is one literal of its UTF-8 bytes, and whatever as a word is a known one or an error', () => {
    const strings = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom("'", '\\', '"', '\0', ';', '-', 'é') }),
    );
    fc.assert(
      fc.property(strings, (value) => {
        const literal = text(value);
        expect(literal).toMatch(/^'(?:[^']|'')*'$/s);
        expect(Buffer.from(literal.slice(1, -1).replaceAll("''", "'"), 'latin1').toString()).toBe(value);
        const known = [...STATUSES, ...PATTERNS].some((each) => each === value);
        if (!known) expect(() => word(value as 'saga')).toThrow(/is not a word/);
      }),
      { numRuns: 500 },
    );
  });

  it('words are those of a closed set', () => {
    for (const each of [...STATUSES, ...PATTERNS]) expect(word(each)).toBe(`'${each}'`);
    for (const value of ['', `x'`, 'toString', undefined]) expect(() => word(value as 'saga')).toThrow(/is not a word/);
  });

  it('a status or a pattern that is none does not reach a batch', () => {
    const injected = "failed', '', '', '', 0, '', '') #" as 'failed';
    for (const item of [insertOf('a', { status: injected }), insertOf('a', { pattern: injected as never })]) {
      const settings = [{ id: 'default\0a', item }];
      expect(() => callOf(tablesOf('t_'), { settings, appends: [] }, 'set @now = 1', '1')).toThrow(/is not a word/);
    }
  });
});
