import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../random.ts';
import type { Cast, Role } from './cast.ts';
import type { ChaosDatabase } from './databases/chaos-database.ts';
import type { FaultCounts } from './faults.ts';

/** Streams of randomness that no transaction has. */
const KILLS_STREAM = 0x7fff_fff0;
const TERMINATIONS_STREAM = 0x7fff_fff1;

/**
 * Mean time between two kills of participants and initiators, and between two connections ended at
 * random.
 */
const KILL_EVERY_MS = 2_500;
const TERMINATE_EVERY_MS = 600;

/**
 * Kills participants and initiators in turns until the signal; returns when the last one is back.
 */
export async function killInTurns(cast: Cast, seed: number, counts: FaultCounts, signal: AbortSignal): Promise<void> {
  const random = createRandom(seed, KILLS_STREAM);
  for (let turn = 0; await pause(random.between(KILL_EVERY_MS / 2, KILL_EVERY_MS * 1.5), signal); turn++) {
    const role: Role = turn % 2 === 0 ? 'participant' : 'initiator';
    await cast.killAndRestart(role, random.between(0, 1));
    counts.happened(`${role} killed`);
  }
}

/** Ends connections at random until the signal. */
export async function terminateAtRandom(
  database: ChaosDatabase,
  seed: number,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  const random = createRandom(seed, TERMINATIONS_STREAM);
  while (await pause(random.between(TERMINATE_EVERY_MS / 2, TERMINATE_EVERY_MS * 1.5), signal))
    if (await database.terminateOne(random)) counts.happened('terminated at random');
}

/** False: the signal came. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
