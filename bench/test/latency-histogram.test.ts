import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from '../src/load/latency-histogram.ts';

test('a percentile is within 1 % of the exact one', () => {
  const durations = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.constantFrom(1, 50, 99, 100), (values, percent) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.add(value);
      const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil((percent / 100) * values.length)) - 1] ?? 0;
      expect(histogram.percentileMs(percent) / exact).toBeGreaterThan(0.99);
      expect(histogram.percentileMs(percent) / exact).toBeLessThan(1.01);
    }),
  );
});

test('durations beyond its bounds are counted at the bounds', () => {
  const histogram = new LatencyHistogram();
  histogram.add(0);
  histogram.add(Number.MAX_VALUE);
  expect(histogram.percentileMs(50)).toBeCloseTo(0.01);
  expect(histogram.percentileMs(100)).toBeGreaterThan(100_000);
});

test('of nothing the percentile is 0', () => {
  expect(new LatencyHistogram().percentileMs(99)).toBe(0);
});
