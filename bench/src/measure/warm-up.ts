import type { Subject } from '../subjects/subject.ts';
import { type Bench, runRound } from './round.ts';

/** After so many sagas a process is about as fast as it gets: what is called often has been compiled by then. */
const SAGAS = 10_000;
const CONNECTIONS = 64;
/** A slow machine, or a slow subject, is not waited for any longer. */
const MOST_ROUNDS = 5;

/** Load on a subject that has just been started, in rounds of so many seconds; none if that is 0. */
export async function warmUp(bench: Bench, subject: Subject, seconds: number): Promise<void> {
  if (seconds === 0) return;
  for (let round = 0, sagas = 0; round < MOST_ROUNDS && sagas < SAGAS; round++)
    sagas += (await runRound(bench, subject, CONNECTIONS, seconds)).completed;
}
