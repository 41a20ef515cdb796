import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxOfKnown, median, medianOfKnown, medianRatio } from '../src/report/statistics.ts';

describe('median', () => {
  test('is the middle one, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test('has as many values below it as above, whatever the order', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 });
    fc.assert(
      fc.property(values, (numbers) => {
        const middle = median(numbers);
        const below = numbers.filter((number) => number < middle).length;
        const above = numbers.filter((number) => number > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(numbers.length / 2);
      }),
    );
  });

  test('of nothing does not exist', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(medianOfKnown([undefined])).toBeUndefined();
    expect(maxOfKnown([undefined])).toBeUndefined();
  });

  test('passes over what is not known', () => {
    expect(medianOfKnown([undefined, 3, 1, undefined, 2])).toBe(2);
    expect(maxOfKnown([undefined, 3, 1])).toBe(3);
  });
});

describe('median ratio', () => {
  test('compares neighbours, so that a slow minute of the machine does not count', () => {
    // The third round ran on a machine at a tenth of its speed.
    expect(medianRatio([80, 81, 8], [100, 100, 10])).toBe(0.8);
  });

  test('leaves out pairs of which a side is unknown or zero', () => {
    expect(medianRatio([1, undefined, 3, 4], [2, 2, 0, undefined])).toBe(0.5);
    expect(medianRatio([1], [])).toBeUndefined();
  });
});
