import { assertPatchFits } from '@holdfast/testing/servers';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './support/mutations.ts';
import { runPatched } from './support/run-model-checker.ts';

/** One of each kind; the others are in `more-mutations.long.test.ts`. */
const CAUGHT_HERE: readonly string[] = [
  'step: compensate before aborting is stored',
  'reconcile: drop a run whose record cannot be written, although this session owns it',
  'transitions: register a branch after the decision',
];

describe('the model checker finds mistakes that are put into production code on purpose', () => {
  const mutations = MUTATIONS.filter(({ name }) => CAUGHT_HERE.includes(name));

  it('knows all of them', () => {
    expect(mutations).toHaveLength(CAUGHT_HERE.length);
  });

  it.each(MUTATIONS)('$name: the text to change is in the built code once', ({ patches }) => {
    expect(() => patches.forEach(assertPatchFits)).not.toThrow();
  });

  it.each(mutations)('$name', { timeout: 200_000 }, async ({ patches, scenario, caughtBy }) => {
    const [exploration] = await runPatched(patches, scenario);
    expect(caughtBy).toContain(exploration?.violation?.violation.invariant);
  });
});
