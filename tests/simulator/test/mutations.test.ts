import { assertPatchFits } from '@holdfast/testing/servers';
import { describe, expect, it } from 'vitest';
import { firstBrokenBy } from './support/first-broken.ts';
import { FIRST, MUTATIONS } from './support/mutations.ts';

describe('the simulator finds mistakes that are put into production code on purpose', () => {
  const mutations = MUTATIONS.filter(({ name }) => FIRST.includes(name));

  it('knows all of them', () => {
    expect(mutations).toHaveLength(FIRST.length);
  });

  it.each(MUTATIONS)('$name: the text to change is in the built code once', ({ patches }) => {
    expect(() => patches.forEach(assertPatchFits)).not.toThrow();
  });

  it.each(mutations)('$name', { timeout: 200_000 }, async (mutation) => {
    expect(mutation.caughtBy).toContain(await firstBrokenBy(mutation));
  });
});
