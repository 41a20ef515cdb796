import { errorsOf } from '../load/load.ts';
import type { Round } from '../measure/round.ts';
import { maxOfKnown, median, medianOfKnown, medianRatio } from '../report/statistics.ts';

/**
 * The rounds of one subject with one number of connections, as one line. Figures are medians by
 * default.
 */
export interface Summary {
  readonly connections: number;
  readonly name: string;
  readonly sagasPerSecond: number;
  /** Share of the ceiling, from ratios of neighbouring rounds. */
  readonly ofCeiling: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Total of all rounds. */
  readonly errors: number;
  readonly cpuMicrosPerSaga: number | undefined;
  readonly databaseCpuMicrosPerSaga: number | undefined;
  /** Maximum. */
  readonly rssAnonMb: number | undefined;
  readonly othersShare: number | undefined;
  /** The rounds that were summarized. */
  readonly rounds: readonly Round[];
}

/** Summarizes a subject's rounds; `ceiling` are the ceiling's rounds, in the same order. */
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

/** The errors of all lines. */
export const countErrors = (lines: readonly Summary[]): number => lines.reduce((sum, { errors }) => sum + errors, 0);
