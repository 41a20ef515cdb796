import type { Subject } from '../subjects/subject.ts';
import { type Bench, runRound } from './round.ts';

/**
 * Number of sagas after which a process has reached about its full speed: frequently called code
 * has been compiled.
 */
const SAGAS = 10_000;
const CONNECTIONS = 64;
/** Bounds the warm-up on a slow machine or of a slow subject. */
const MOST_ROUNDS = 5;

/** Puts load on a newly started subject, in rounds of this number of seconds; 0: none. */
export async function warmUp(bench: Bench, subject: Subject, seconds: number): Promise<void> {
  if (seconds === 0) return;
  for (let round = 0, sagas = 0; round < MOST_ROUNDS && sagas < SAGAS; round++)
    sagas += (await runRound(bench, subject, CONNECTIONS, seconds)).completed;
}
