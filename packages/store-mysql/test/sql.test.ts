import { PATTERNS, STATUSES } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { insertOf } from '../../conformance/test/support/items.ts';
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
    for (const value of [NaN, '1 or 1=1', undefined, null])
      expect(() => number(value as number)).toThrow(/is not a number/);
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
