import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBytes, jsonParts } from '../src/http/json-parts.ts';

const written = (value: unknown): string => [...jsonParts(value)].join('');

const bytes = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 50 }).map((text) => Buffer.from(text)),
  fc.nat(3).map((ascii) => Buffer.from('x'.repeat(ascii) + '€"😀\n'.repeat(30_000))),
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.jsonValue(),
    fc.constantFrom(undefined, '', 'a\ud800', '😀'.repeat(60_000), `x${'😀'.repeat(60_000)}`),
    fc.tuple(bytes, fc.constantFrom('utf8' as const, 'base64' as const)).map(([some, as]) => new JsonBytes(some, as)),
    fc.array(
      tie('value').map((one) => one ?? null),
      { maxLength: 5 },
    ),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 5 }),
  ),
})).value;

describe('JSON in parts', () => {
  it('is the text of JSON.stringify', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(written({ one })).toBe(JSON.stringify({ one }));
      }),
      { numRuns: 200 },
    );
  });

  it('has no part much longer than 32 KiB, however long its texts and lists are', () => {
    const payload = new JsonBytes(Buffer.alloc(1_000_000, '"'), 'base64');
    const branches = Array.from({ length: 2_000 }, (_, i) => ({ branch_id: String(i), url: 'x'.repeat(1_000) }));
    const parts = [...jsonParts({ payloads: [payload, 'y'.repeat(1_000_000)], branches })];
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(200_000);
    expect(parts.length).toBeGreaterThan(50);
  });
});
