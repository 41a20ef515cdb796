import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonFaultPosition } from '../src/http/json-fault.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('the position where a text stops being JSON', () => {
  it.each([
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['{a:1}', 1],
    ['{"a":tru}', 5],
    ['"a\nb"', 2],
    ['"\\x"', 1],
    ['01', 1],
    ['1 2', 2],
    [']', 0],
    ['{"a":[1,{"b":"c}', 16],
    ['  ', 2],
    ['[[[', 3],
  ])('%j: %i', (text, position) => {
    expect(jsonFaultPosition(text)).toBe(position);
  });

  it('is the end of every text that is JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (json, space) => {
        const text = space + json + space;
        expect(jsonFaultPosition(text)).toBe(text.length);
      }),
    );
  });

  it('is inside or at the end of every text that is not JSON, and the text before it can be completed', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 3 }),
        (json, where, rubbish) => {
          const at = where % (json.length + 1);
          const text = json.slice(0, at) + rubbish + json.slice(at);
          fc.pre(!parses(text));
          const position = jsonFaultPosition(text);
          expect(position).toBeGreaterThanOrEqual(0);
          expect(position).toBeLessThanOrEqual(text.length);
          // Nothing before the place where the rubbish went in is at fault, save a token that it
          // broke in two.
          expect(position).toBeGreaterThanOrEqual(startOfToken(json, at));
        },
      ),
    );
  });

  it('is found in a text as long as a body may be, and as deep', () => {
    const deep = '['.repeat(1_000_000);
    expect(jsonFaultPosition(deep)).toBe(deep.length);
    const long = `"${'x'.repeat(4_000_000)}`;
    expect(jsonFaultPosition(long)).toBe(long.length);
  });
});

/** Start of the literal, number or string that contains or precedes the position `at`. */
function startOfToken(json: string, at: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[-+.\w]+/g;
  for (let found = token.exec(json); found !== null; found = token.exec(json))
    if (found.index <= at && at <= found.index + found[0].length) return found.index;
  return at;
}
