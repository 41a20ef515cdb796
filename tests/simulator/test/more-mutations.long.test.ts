import { describe, expect, it } from 'vitest';
import { firstBrokenBy } from './support/first-broken.ts';
import { FIRST, MUTATIONS } from './support/mutations.ts';

describe('the simulator finds mistakes that are put into production code on purpose', () => {
  // The others are in `mutations.test.ts`.
  it.each(MUTATIONS.filter(({ name }) => !FIRST.includes(name)))('$name', { timeout: 200_000 }, async (mutation) => {
    expect(mutation.caughtBy).toContain(await firstBrokenBy(mutation));
  });
});
