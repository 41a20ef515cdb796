import { createRandom } from './random.ts';

/** Not the number of any transaction, so that the moments do not depend on the load. */
const STREAM = 0x7fff_fffe;

/**
 * Moments of the kills, in ms since the load began: one at random in each of as many equal stretches, so that they are spread over the run
 * but may also follow each other closely (a kill during the recovery from the one before).
 */
export function killMoments(seed: number, kills: number, seconds: number): readonly number[] {
  const random = createRandom(seed, STREAM);
  const stretchMs = (seconds * 1000) / kills;
  return Array.from({ length: kills }, (_, index) => Math.round((index + random.next()) * stretchMs));
}
