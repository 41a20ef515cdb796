import type { Mutation } from './mutations.ts';
import { runPatched } from './patched-simulator.ts';

const MOST_SEEDS = 400;

/**
 * The first invariant that the simulator finds broken in code with the mistake; undefined when it
 * finds nothing.
 */
export async function firstBrokenBy({ patches }: Mutation): Promise<string | undefined> {
  const { violations } = await runPatched(patches, ['--seeds', String(MOST_SEEDS), '--jobs', '1']);
  return violations[0]?.invariant;
}
