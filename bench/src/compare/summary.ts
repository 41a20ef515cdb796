import { errorsOf } from '../load/load.ts';
import type { Round } from '../measure/round.ts';
import { maxOfKnown, median, medianOfKnown, medianRatio } from '../report/statistics.ts';

/** The rounds of one subject with one number of connections, in one line. Medians, unless said. */
export interface Summary {
  readonly connections: number;
  readonly name: string;
  readonly sagasPerSecond: number;
  /** Share of the ceiling, round by round. */
  readonly ofCeiling: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** In all rounds together. */
  readonly errors: number;
  readonly cpuMicrosPerSaga: number | undefined;
  readonly databaseCpuMicrosPerSaga: number | undefined;
  /** The most that was seen. */
  readonly rssAnonMb: number | undefined;
  readonly othersShare: number | undefined;
  /** What all this was made from. */
  readonly rounds: readonly Round[];
}

/** Sums up a subject's rounds; `ceiling` are the ceiling's rounds, in the same order. */
export function summarize(
  connections: number,
  name: string,
  rounds: readonly Round[],
  ceiling: readonly Round[],
): Summary {
  const perSecond = rounds.map((round) => round.sagasPerSecond);
  return {
    connections,
    name,
    sagasPerSecond: median(perSecond),
    ofCeiling: medianRatio(
      perSecond,
      ceiling.map((round) => round.sagasPerSecond),
    ),
    p50Ms: median(rounds.map((round) => round.p50Ms)),
    p99Ms: median(rounds.map((round) => round.p99Ms)),
    errors: rounds.reduce((sum, round) => sum + errorsOf(round), 0),
    cpuMicrosPerSaga: medianOfKnown(rounds.map((round) => round.cpuMicrosPerSaga)),
    databaseCpuMicrosPerSaga: medianOfKnown(rounds.map((round) => round.databaseCpuMicrosPerSaga)),
    rssAnonMb: maxOfKnown(rounds.map((round) => round.rssAnonMb)),
    othersShare: medianOfKnown(rounds.map((round) => round.othersShare)),
    rounds,
  };
}
