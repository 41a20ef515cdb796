import { createRandom } from './random.ts';

/**
 * One planned kill: so long after the coordinator was ready, or (`starting`) after its start, ready
 * or not.
 */
export interface PlannedKill {
  readonly during: 'serving' | 'starting';
  readonly afterMs: number;
}

/** Not the number of any transaction, so that the kills do not depend on the load. */
const STREAM = 0x7fff_fffe;
/** Share of kills that hit the recovery from the kill before. */
const STARTING = 0.2;
const STARTING_WITHIN_MS = 800;
/**
 * Shortest time of service, as a share of the mean. It must not be shorter: a transaction that was
 * in progress at five successive crashes is parked for an operator, because it may have caused
 * them.
 */
const SHORTEST = 0.5;

/**
 * When to kill. The times of service before the kills are random and add up to `seconds`; some
 * kills come on top of that while the coordinator starts. They count from what the coordinator
 * does, not from the clock: on a slow machine it is killed under load all the same.
 */
export function planKills(seed: number, kills: number, seconds: number): readonly PlannedKill[] {
  const random = createRandom(seed, STREAM);
  const drafts = Array.from({ length: kills }, (_, index) => ({
    starting: index > 0 && random.chance(STARTING),
    share: SHORTEST + random.next() * 2 * (1 - SHORTEST),
    intoStartMs: random.between(0, STARTING_WITHIN_MS),
  }));
  const shares = drafts.reduce((sum, { starting, share }) => sum + (starting ? 0 : share), 0);
  return drafts.map(({ starting, share, intoStartMs }) =>
    starting
      ? { during: 'starting', afterMs: intoStartMs }
      : { during: 'serving', afterMs: Math.round((share / shares) * seconds * 1000) },
  );
}

/** The plan in one line. */
export function describeKills(kills: readonly PlannedKill[]): string {
  return kills
    .map(({ during, afterMs }) =>
      during === 'starting' ? `${afterMs} ms into the start` : `${(afterMs / 1000).toFixed(1)} s`,
    )
    .join(', ');
}
