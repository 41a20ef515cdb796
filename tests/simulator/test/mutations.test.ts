import { assertPatchFits } from '@holdfast/testing/servers';
import { describe, expect, it } from 'vitest';
import { firstBrokenBy } from './support/first-broken.ts';
import { MUTATIONS } from './support/mutations.ts';

/** One for each promise that matters most; the others are in `more-mutations.long.test.ts`. */
const CAUGHT_HERE: readonly string[] = [
  'acknowledge before the write came back',
  'compensate before aborting is stored',
  'skip the fencing check in the store',
  'drop a branch that is registered while the decision is made',
  'treat UNKNOWN as FAILURE',
];

describe('the simulator finds mistakes that are put into production code on purpose', () => {
  const mutations = MUTATIONS.filter(({ name }) => CAUGHT_HERE.includes(name));

  it('knows all of them', () => {
    expect(mutations).toHaveLength(CAUGHT_HERE.length);
  });

  it.each(MUTATIONS)('$name: the text to change is in the built code once', ({ patches }) => {
    expect(() => patches.forEach(assertPatchFits)).not.toThrow();
  });

  it.each(mutations)('$name', { timeout: 200_000 }, async (mutation) => {
    expect(mutation.caughtBy).toContain(await firstBrokenBy(mutation));
  });
});
