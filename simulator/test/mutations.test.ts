import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './support/mutations.ts';
import { runPatched } from './support/patched-simulator.ts';

const MOST_SEEDS = 400;

describe('the simulator finds mistakes that are put into production code on purpose', () => {
  it.each(MUTATIONS)('$name', { timeout: 200_000 }, async ({ patches, caughtBy }) => {
    const { violations } = await runPatched(patches, ['--seeds', String(MOST_SEEDS), '--jobs', '1']);
    expect(caughtBy).toContain(violations[0]?.invariant);
  });
});
