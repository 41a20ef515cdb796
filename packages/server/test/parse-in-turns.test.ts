import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePieces } from '../src/http/parse-in-turns.ts';

/** The value, and the number of pieces before the last one. */
function read(text: string): { readonly value: unknown; readonly pieces: number } {
  const parsing = parsePieces(text);
  for (let pieces = 0; ; pieces++) {
    const next = parsing.next();
    if (next.done === true) return { value: next.value, pieces };
  }
}

/**
 * What a reader makes of a text: its value as text, with the order of fields, or that it is not
 * JSON.
 */
function outcome(parse: () => unknown): string {
  try {
    return JSON.stringify(parse());
  } catch (error) {
    if (error instanceof SyntaxError) return 'not JSON';
    throw error;
  }
}

const both = (text: string): readonly [string, string] => [
  outcome(() => JSON.parse(text)),
  outcome(() => read(text).value),
];

const FILLER = JSON.stringify('x'.repeat(2_000));
/** Lists and objects longer than a piece, in lists and objects. */
const long = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.constant(FILLER), fc.json(), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 12 }).map((items) => `[${items.join(' , ')}]`),
  object: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', '1', '__proto__', 'ü"'), tie('value')), { maxLength: 12 })
    .map((fields) => `{ ${fields.map(([name, value]) => `${JSON.stringify(name)} : ${value}`).join(',\n')} }`),
})).value;

describe('a text that is parsed in pieces', () => {
  it('has the value that JSON.parse gives it', () => {
    fc.assert(
      fc.property(long, (text) => {
        const [expected, found] = both(text);
        expect(found).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('may have any number of blanks between any of its parts', () => {
    const blanks = fc
      .tuple(fc.constantFrom(' ', '\n', '\r\n', ' \t'), fc.constantFrom(0, 1, 31, 32, 63, 64, 65, 66, 500))
      .map(([blank, count]) => blank.repeat(count));
    fc.assert(
      fc.property(fc.array(blanks, { minLength: 9, maxLength: 9 }), fc.constantFrom('', '!', '1'), (between, after) => {
        const parts = ['', '{', '"a"', ':', '[', '1', ']', '}', after];
        const text = parts.map((part, i) => part + (between[i] ?? '')).join('');
        const [expected, found] = both(text);
        expect(found).toBe(expected);
      }),
      { numRuns: 300 },
    );
    expect(both(`{${' '.repeat(100)}`)).toEqual(['not JSON', 'not JSON']);
  });

  it('is rejected when JSON.parse rejects it', () => {
    const cut = fc.tuple(long, fc.nat(), fc.nat(3), fc.constantFrom('', ',', ']', '}', '[', '"', ':', '1', '\\', '\v'));
    fc.assert(
      fc.property(cut, ([text, at, deleted, added]) => {
        const from = at % (text.length + 1);
        const [expected, found] = both(text.slice(0, from) + added + text.slice(from + deleted));
        expect(found).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '',
    ' ',
    '[',
    ']',
    '[1,]',
    '[,1]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '[1}',
    '{"a":1]',
    '[1]x',
    '1 2',
    '[1] ',
    '{}',
    '[ ]',
  ])('is read as JSON.parse reads %j', (text) => {
    const [expected, found] = both(text);
    expect(found).toBe(expected);
  });

  it('is parsed in as many pieces as it is long, whatever its depth', () => {
    const items = Array.from({ length: 10_000 }, (_, i) => ({ [`k${i}`]: i }));
    for (const value of [items, { a: [{ b: items }] }, Object.assign({}, ...items) as unknown]) {
      const text = JSON.stringify(value);
      const { value: found, pieces } = read(text);
      expect(found).toEqual(value);
      expect(pieces).toBeGreaterThan(text.length / (20 * 1_024) - 1);
    }
  });
});
