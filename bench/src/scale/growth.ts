import { errorsOf } from '../load/load.ts';
import { maxOfKnown, median, medianOfKnown, medianRatio } from '../report/statistics.ts';
import type { ScaleRound } from './scale-round.ts';
import type { Stored } from './store-work.ts';

/** One store's rounds as one line: medians. */
export interface ScaleSummary {
  /** The smallest and largest number of stored transactions at the end of a round. */
  readonly stored: { readonly least: Stored; readonly most: Stored };
  readonly readyMs: number;
  readonly sagasPerSecond: number;
  readonly errors: number;
  readonly cpuMicrosPerSaga: number | undefined;
  readonly databaseCpuMicrosPerSaga: number | undefined;
  readonly msPerBatch: number | undefined;
  readonly itemsPerBatch: number | undefined;
  readonly microsPerItem: number | undefined;
  readonly rssAnonMb: number | undefined;
  readonly othersShare: number | undefined;
  /** The rounds that were summarized. */
  readonly rounds: readonly ScaleRound[];
}

/**
 * How much more a full store costs than an empty one: shares of the empty one's figure, as medians
 * of the ratios of rounds.
 */
export interface Growth {
  readonly connections: number;
  readonly empty: ScaleSummary;
  readonly full: ScaleSummary;
  readonly cpuPerSaga: number | undefined;
  readonly storeTimePerBatch: number | undefined;
}

/** Compares the rounds of both stores, which took turns. */
export function growthOf(connections: number, empty: readonly ScaleRound[], full: readonly ScaleRound[]): Growth {
  const growth = (of: (round: ScaleRound) => number | undefined): number | undefined => {
    const ratio = medianRatio(full.map(of), empty.map(of));
    return ratio === undefined ? undefined : ratio - 1;
  };
  return {
    connections,
    empty: summarize(empty),
    full: summarize(full),
    cpuPerSaga: growth((round) => round.cpuMicrosPerSaga),
    storeTimePerBatch: growth((round) => round.msPerBatch),
  };
}

function summarize(rounds: readonly ScaleRound[]): ScaleSummary {
  const middle = (of: (round: ScaleRound) => number | undefined): number | undefined => medianOfKnown(rounds.map(of));
  const bySize = rounds.map((round) => round.stored).toSorted((a, b) => total(a) - total(b));
  const none = { finished: 0, unfinished: 0 };
  return {
    stored: { least: bySize[0] ?? none, most: bySize.at(-1) ?? none },
    readyMs: median(rounds.map((round) => round.readyMs)),
    sagasPerSecond: median(rounds.map((round) => round.sagasPerSecond)),
    errors: rounds.reduce((sum, round) => sum + errorsOf(round), 0),
    cpuMicrosPerSaga: middle((round) => round.cpuMicrosPerSaga),
    databaseCpuMicrosPerSaga: middle((round) => round.databaseCpuMicrosPerSaga),
    msPerBatch: middle((round) => round.msPerBatch),
    itemsPerBatch: middle((round) => round.itemsPerBatch),
    microsPerItem: middle((round) => round.microsPerItem),
    rssAnonMb: maxOfKnown(rounds.map((round) => round.rssAnonMb)),
    othersShare: middle((round) => round.othersShare),
    rounds,
  };
}

const total = ({ finished, unfinished }: Stored): number => finished + unfinished;
