import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonItems, jsonMembers } from '@holdfast/protocol';

const membersOf = (text: string): Record<string, string> =>
  Object.fromEntries([...jsonMembers(text)].map(([name, { start, end }]) => [name, text.slice(start, end)]));
const itemsOf = (text: string): readonly string[] => jsonItems(text).map(({ start, end }) => text.slice(start, end));

describe('the parts of a JSON text', () => {
  it('are found as they are spelled', () => {
    expect(membersOf(' {"a" : 1.10 , "b\\u0063":[ 1, {"x":"}]\\\\"} ],"c":"\\"}" , "d":{ } ,"e":null}')).toEqual({
      a: '1.10',
      bc: '[ 1, {"x":"}]\\\\"} ]',
      c: '"\\"}"',
      d: '{ }',
      e: 'null',
    });
    expect(itemsOf('[ 738529527931269425 ,1e400,[] , "a,b"]')).toEqual(['738529527931269425', '1e400', '[]', '"a,b"']);
    expect(itemsOf('[ ]')).toEqual([]);
    expect(membersOf('{ }')).toEqual({});
    expect(membersOf('{"a":1,"a":2}')).toEqual({ a: '2' });
    expect([membersOf('[1]'), itemsOf('{"a":1}'), membersOf('"{"')]).toEqual([{}, [], {}]);
  });

  it('mean what the whole means, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(fc.jsonValue()),
        fc.nat(3),
        (object, array, space) => {
          const text = JSON.stringify(object, null, space);
          const parsed = Object.entries(membersOf(text)).map(([name, part]) => [name, JSON.parse(part) as unknown]);
          expect(Object.fromEntries(parsed)).toEqual(JSON.parse(text));
          expect(itemsOf(JSON.stringify(array, null, space)).map((item) => JSON.parse(item) as unknown)).toEqual(
            JSON.parse(JSON.stringify(array)),
          );
        },
      ),
    );
  });

  it('are found in a text of any depth', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(membersOf(`{"a":${deep},"b":1}`)).toEqual({ a: deep, b: '1' });
  });
});
