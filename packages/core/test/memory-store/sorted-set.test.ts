import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSet } from '../../src/memory-store/sorted-set.ts';

const byNumber = (a: number, b: number): number => a - b;

describe('SortedSet', () => {
  it('holds what a sorted array without duplicates would, from any start, in both directions', () => {
    const change = fc.record({ add: fc.boolean(), element: fc.integer({ min: 0, max: 3_000 }) });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 4_000, size: 'max' }),
        fc.integer({ min: -1, max: 3_001 }),
        (changes, start) => {
          const set = new SortedSet(byNumber);
          const model = new Set<number>();
          for (const { add, element } of changes) {
            if (add) model.add(element);
            else model.delete(element);
            if (add) set.add(element);
            else set.delete(element);
          }
          const sorted = [...model].toSorted(byNumber);
          expect([...set.ascending()]).toEqual(sorted);
          expect([...set.descending()]).toEqual(sorted.toReversed());
          expect([...set.ascending(start)]).toEqual(sorted.filter((element) => element >= start));
          expect([...set.descending(start)]).toEqual(sorted.filter((element) => element < start).toReversed());
          expect(set.first()).toBe(sorted[0]);
        },
      ),
      { seed: 7, numRuns: 30 },
    );
  });

  it('compares a few dozen times to find its place among 100,000', () => {
    let comparisons = 0;
    const set = new SortedSet<number>((a, b) => {
      comparisons++;
      return a - b;
    });
    for (let i = 0; i < 100_000; i++) set.add((i * 7_919) % 100_000);
    comparisons = 0;
    set.add(50_000.5);
    set.delete(50_000.5);
    expect(comparisons).toBeLessThan(100);
  });
});
