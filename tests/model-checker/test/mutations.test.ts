import { assertPatchFits } from '@holdfast/testing/servers';
import { describe, expect, it } from 'vitest';
import { FIRST, MUTATIONS } from './support/mutations.ts';
import { runPatched } from './support/run-model-checker.ts';

describe('the model checker finds mistakes that are put into production code on purpose', () => {
  const mutations = MUTATIONS.filter(({ name }) => FIRST.includes(name));

  it('knows all of them', () => {
    expect(mutations).toHaveLength(FIRST.length);
  });

  it.each(MUTATIONS)('$name: the text to change is in the built code once', ({ patches }) => {
    expect(() => patches.forEach(assertPatchFits)).not.toThrow();
  });

  it.each(mutations)('$name', { timeout: 200_000 }, async ({ patches, scenario, caughtBy }) => {
    const [exploration] = await runPatched(patches, scenario);
    expect(caughtBy).toContain(exploration?.violation?.violation.invariant);
  });
});
