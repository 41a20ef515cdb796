import { describe, expect, it } from 'vitest';
import { successText } from '../src/participants/wire-body.ts';
import { exceedsJson } from '../src/json-size.ts';
import { asRecorded } from '../src/workflow/records.ts';
import { STRANGE_VALUES } from '@holdfast/testing/strange-values';

const shared = { text: 'x'.repeat(100) };
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  12.5,
  -1e300,
  Number.NaN,
  '',
  'text',
  [],
  {},
  [undefined, () => 0],
  { a: undefined, b: [1, 2, { c: null }] },
  [shared, shared],
  new Date(0),
  Buffer.from('abc'),
  new Uint16Array([1, 2]),
  { toJSON: () => ({ a: 1 }) },
  { toJSON: () => 'text' },
  new Map([[1, 2]]),
  Object(7),
  Object('text'),
  Array.from({ length: 500 }, (_, index) => ({ index, half: index / 2 })),
];

const LONG = VALUES.filter((value) => JSON.stringify(value).length > 26);

/** A value whose reads are counted: one per visited part. */
function watched(length: number): { readonly value: unknown; readonly reads: () => number } {
  let reads = 0;
  const part = {
    get text(): string {
      reads++;
      return 'x'.repeat(1_000);
    },
  };
  return { value: Array.from({ length }, () => part), reads: () => reads };
}

describe('exceedsJson', () => {
  it.each([...VALUES.entries()])(
    'is false for a value whose JSON has the length of the limit (%d)',
    (_index, value) => {
      const { length } = JSON.stringify(value);
      expect(exceedsJson(value, length)).toBe(false);
    },
  );

  it.each([...LONG.entries()])('is true for a limit that is far below the length of the JSON (%d)', (_index, value) => {
    expect(exceedsJson(value, Math.floor(JSON.stringify(value).length / 4))).toBe(true);
  });

  it.each(STRANGE_VALUES)('never throws: %s', (_what, value) => {
    expect(typeof exceedsJson(value(), 100)).toBe('boolean');
  });

  it('is false for a value that contains itself, which JSON.stringify rejects', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(exceedsJson(cyclic, 100)).toBe(false);
  });

  it('is true for a value with too many levels', () => {
    let value: unknown = [];
    for (let level = 0; level < 100_000; level++) value = [value];
    expect(exceedsJson(value, 10_000_000)).toBe(true);
  });

  it('visits no more parts than the limit permits', () => {
    const { value, reads } = watched(100_000);
    expect(exceedsJson(value, 110_000)).toBe(true);
    expect(reads()).toBeLessThanOrEqual(10);
    const sparse: unknown[] = [];
    sparse.length = 2 ** 31;
    expect(exceedsJson(sparse, 1_000)).toBe(true);
    expect(exceedsJson(Buffer.alloc(50_000_000), 1_000)).toBe(true);
  });
});

describe('a result that is far too large is rejected without being serialized', () => {
  it.each([true, false])('by a workflow (a step: %s)', (strict) => {
    const { value, reads } = watched(5_000);
    expect(() => asRecorded('Step debit', value, strict)).toThrow(
      /returned more than 65536 bytes of JSON; at most 4096/,
    );
    expect(reads()).toBeLessThan(100);
  });

  it('by a participant: the response has no result, and the error is reported', () => {
    const { value, reads } = watched(100_000);
    const errors: unknown[] = [];
    expect(successText(value, (error) => void errors.push(error))).toBe('{"dtm_result":"SUCCESS"}');
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('longer than 1048576') })]);
    expect(reads()).toBeLessThan(2_000);
  });
});
