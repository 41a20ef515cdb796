import { expect, it } from 'vitest';
import { checkedTimeout } from '../../src/store-kit/index.ts';
import { StoreError } from '../../src/store/index.ts';

it.each([1, 30_000, 600_000])('a time limit may be %d ms', (ms) => {
  expect(checkedTimeout('connectTimeoutMs', ms)).toBe(ms);
});

it.each([0, -1, 1.5, 600_001, Number.NaN, Infinity])('a time limit of %d ms is rejected by its name', (ms) => {
  const refused = expect(() => checkedTimeout('connectTimeoutMs', ms));
  refused.toThrow(StoreError);
  refused.toThrow(/^connectTimeoutMs is /);
});
