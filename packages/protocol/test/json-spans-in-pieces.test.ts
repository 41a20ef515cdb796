import { describe, expect, it } from 'vitest';
import { jsonItems, jsonItemsInPieces, jsonMembers, jsonMembersInPieces } from '@holdfast/protocol';

/** The result, and after how many pieces. */
function finished<T>(pieces: Generator<undefined, T>): { readonly value: T; readonly count: number } {
  for (let count = 0; ; count++) {
    const next = pieces.next();
    if (next.done === true) return { value: next.value, count };
  }
}

const ESCAPES = '\\"\\\\'.repeat(20_000);
const PAYLOADS: Readonly<Record<string, string>> = {
  'a string of escapes': `"${ESCAPES}"`,
  'many strings of escapes': `[${Array.from({ length: 5_000 }, () => '"\\"\\\\"').join(', ')}]`,
  'many numbers': `[${Array.from({ length: 20_000 }, (_, index) => index).join(' ,\n')}]`,
  'deep lists': `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
  'many fields': `{${Array.from({ length: 10_000 }, (_, index) => `"f${index}":{"}":"]"}`).join(',')}}`,
  'a number': '1.0',
  nothing: 'null',
};

describe.each(Object.entries(PAYLOADS))('a text with %s', (_, payload) => {
  it('has the same members in pieces as at once', () => {
    const text = ` {"a" : ${payload} , "b":${payload},"\\u0061":[1],"c":1 }`;
    const { value } = finished(jsonMembersInPieces(text, 0));
    expect([...value]).toEqual([...jsonMembers(text)]);
    const span = value.get('b');
    expect(text.slice(span?.start, span?.end)).toBe(payload);
  });

  it('has the same items in pieces as at once', () => {
    const text = `[ ${payload},${payload} , 7 ]`;
    const { value } = finished(jsonItemsInPieces(text, 0));
    expect(value).toEqual(jsonItems(text));
    expect(value.map(({ start, end }) => text.slice(start, end))).toEqual([payload, payload, '7']);
  });
});

it('a text is read in as many pieces as it is long, be it one value or many', () => {
  const list = PAYLOADS['many numbers'] ?? '';
  for (const text of [list, `[${list}]`]) {
    const { count } = finished(jsonItemsInPieces(text));
    expect(count).toBeGreaterThanOrEqual(Math.floor(text.length / (16 * 1024)) - 1);
  }
  const fields = PAYLOADS['many fields'] ?? '';
  const { count } = finished(jsonMembersInPieces(fields));
  expect(count).toBeGreaterThanOrEqual(Math.floor(fields.length / (16 * 1024)) - 1);
});

it('a value that is neither a list nor an object has no parts', () => {
  expect(finished(jsonItemsInPieces('{}')).value).toEqual([]);
  expect([...finished(jsonMembersInPieces('[]')).value]).toEqual([]);
});
