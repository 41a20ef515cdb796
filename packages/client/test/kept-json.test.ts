import { describe, expect, it } from 'vitest';
import { keptJson } from '../src/kept-json.ts';
import { STRANGE_VALUES } from '@holdfast/testing/strange-values';

class Account {
  readonly id = 7;
}

const LIMIT = 1_000;

const nested = (depth: number): unknown => {
  let value: unknown = [];
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

const cyclic: unknown[] = [];
cyclic.push(cyclic);

const KEPT: readonly unknown[] = [
  null,
  true,
  0,
  -1.5e300,
  '',
  'é\u0000\ud800',
  [],
  {},
  [1, [2, { a: 'b' }]],
  { receipt: 'r-1', lines: [{ amount: '12.50' }] },
  Object.assign(Object.create(null), { a: 1 }),
  // The same object in two places does not form a cycle.
  (() => {
    const shared = { a: 1 };
    return [shared, shared];
  })(),
];

const NOT_JSON: readonly (readonly [what: string, value: unknown])[] = [
  ['a Map', new Map()],
  ['a Set', { of: new Set([1]) }],
  ['a Date', new Date(0)],
  ['a bigint', [1n]],
  ['a class instance', new Account()],
  ['a Buffer', Buffer.from('a')],
  ['a boxed number', Object(1)],
  ['an error', new Error('a')],
  ['a regular expression', /a/],
  ['a subclass of Array', new (class extends Array<number> {})(3)],
  ['what contains itself', cyclic],
  ['a function', () => 0],
  ['a member that is a function', { run: () => 0 }],
  ['a symbol', Symbol('a')],
  ['a symbol as a key', { [Symbol('a')]: 1 }],
  ['NaN', Number.NaN],
  ['Infinity', { n: Infinity }],
  ['undefined in an array', [1, undefined]],
  // oxlint-disable-next-line no-sparse-arrays -- what is tested
  ['a hole in an array', [1, , 2]],
  ['an array with a name', Object.assign([1], { of: 1 })],
  ['toJSON', { toJSON: () => 1 }],
  ['a member that is hidden', Object.defineProperty({}, 'a', { value: 1 })],
  ['a getter', Object.defineProperty({}, 'a', { enumerable: true, get: () => 1 })],
  ['a getter that throws', Object.defineProperty({}, 'a', { enumerable: true, get: () => expect.fail('read') })],
  ['more than 100 levels', nested(101)],
  ['very many levels', nested(100_000)],
];

describe('a result is kept as JSON', () => {
  it('only if a repeated call gets the same value', () => {
    for (const value of KEPT) {
      const kept = keptJson(value, LIMIT);
      expect(kept.kind).toBe('json');
      expect(JSON.parse(kept.kind === 'json' ? kept.text : '')).toEqual(value);
    }
    expect(keptJson(nested(99), LIMIT).kind).toBe('json');
  });

  it('not if there is no result', () => {
    expect(keptJson(undefined, LIMIT)).toEqual({ kind: 'nothing' });
  });

  it.each(NOT_JSON)('not if the result is, or contains, %s', (_, value) => {
    expect(keptJson(value, LIMIT)).toEqual({ kind: 'not_json' });
  });

  it('without calling code that may throw', () => {
    const strange = STRANGE_VALUES.filter(
      ([what]) => !['undefined', 'null', 'an object without a prototype'].includes(what),
    );
    expect(strange.map(([what, value]) => [what, keptJson(value(), LIMIT).kind])).toEqual(
      strange.map(([what]) => [what, 'not_json']),
    );
  });

  it('within the limit, counted in ASCII, without visiting more than the limit', () => {
    expect(keptJson('x'.repeat(LIMIT - 2), LIMIT).kind).toBe('json');
    expect(keptJson('x'.repeat(LIMIT - 1), LIMIT)).toEqual({ kind: 'too_large' });
    expect(keptJson('é'.repeat(LIMIT / 4), LIMIT)).toEqual({ kind: 'too_large' });
    let reads = 0;
    const huge = new Proxy(
      Array.from({ length: 100_000 }, () => 0),
      {
        getOwnPropertyDescriptor: (target, key) => (reads++, Reflect.getOwnPropertyDescriptor(target, key)),
      },
    );
    expect(keptJson(huge, LIMIT)).toEqual({ kind: 'too_large' });
    expect(reads).toBeLessThanOrEqual(LIMIT);
  });
});
