import { describe, expect, it } from 'vitest';
import { FIRST, MUTATIONS } from './support/mutations.ts';
import { runPatched } from './support/run-model-checker.ts';

describe('the model checker finds mistakes that are put into production code on purpose', () => {
  // The others are in `mutations.test.ts`.
  it.each(MUTATIONS.filter(({ name }) => !FIRST.includes(name)))(
    '$name',
    { timeout: 300_000 },
    async ({ patches, scenario, caughtBy }) => {
      const [exploration] = await runPatched(patches, scenario);
      expect(caughtBy).toContain(exploration?.violation?.violation.invariant);
    },
  );
});
