import { type Bench, type Round, runRound } from '../measure/round.ts';
import type { BenchOptions } from '../options.ts';
import type { Say } from '../report/say.ts';
import type { Subject } from '../subjects/subject.ts';
import { type Summary, summarize } from './summary.ts';

/** A subject's rounds, and the ceiling's round before each of them. */
interface Turns {
  readonly subject: Subject;
  readonly rounds: Round[];
  readonly ceiling: Round[];
}

/**
 * All rounds with one number of connections: the subjects take turns, and a round of the ceiling
 * (or of another subject that they are compared with) precedes each, so that ratios are between
 * neighbouring rounds. Resolves to the ceiling's line, then one per subject.
 */
export async function measure(
  bench: Bench,
  ceiling: Subject,
  subjects: readonly Subject[],
  connections: number,
  { rounds, seconds, warmUpSeconds }: Pick<BenchOptions, 'rounds' | 'seconds' | 'warmUpSeconds'>,
  say: Say,
): Promise<readonly Summary[]> {
  for (const subject of warmUpSeconds > 0 ? [ceiling, ...subjects] : [])
    await runRound(bench, subject, connections, warmUpSeconds);
  const turns = subjects.map((subject): Turns => ({ subject, rounds: [], ceiling: [] }));
  for (let number = 1; number <= rounds; number++) {
    // Every other round is in reverse order, so that no subject always follows the same one.
    for (const turn of number % 2 === 1 ? turns : turns.toReversed()) {
      const [beside, round] = [
        await runRound(bench, ceiling, connections, seconds),
        await runRound(bench, turn.subject, connections, seconds),
      ];
      turn.ceiling.push(beside);
      turn.rounds.push(round);
      const of = `${perSecond(round)} of ${perSecond(beside)} sagas/s`;
      say(`c${connections}, round ${number} of ${rounds}, ${turn.subject.name}: ${of}`);
    }
  }
  const all = turns.flatMap((turn) => turn.ceiling);
  return [
    summarize(connections, ceiling.name, all, all),
    ...turns.map((turn) => summarize(connections, turn.subject.name, turn.rounds, turn.ceiling)),
  ];
}

const perSecond = ({ sagasPerSecond }: Round): number => Math.round(sagasPerSecond);
