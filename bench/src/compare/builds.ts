import { medianRatio } from '../report/statistics.ts';
import type { Summary } from './summary.ts';

/**
 * This checkout compared with another on one store, as medians of ratios of neighbouring rounds;
 * above 1, this checkout's figure is higher.
 */
export interface BuildRatio {
  readonly connections: number;
  readonly name: string;
  readonly sagasPerSecond: number | undefined;
  readonly cpuMicrosPerSaga: number | undefined;
  readonly databaseCpuMicrosPerSaga: number | undefined;
}

/**
 * One ratio per number of connections for each of `pairs`: a subject of this checkout, and its
 * counterpart.
 */
export function buildRatios(
  lines: readonly Summary[],
  pairs: readonly { readonly name: string; readonly other: string }[],
): readonly BuildRatio[] {
  return pairs.flatMap(({ name, other }) =>
    lines
      .filter((line) => line.name === name)
      .flatMap((line): BuildRatio[] => {
        const beside = lines.find((that) => that.name === other && that.connections === line.connections);
        if (beside === undefined) return [];
        const ratio = (key: 'sagasPerSecond' | 'cpuMicrosPerSaga' | 'databaseCpuMicrosPerSaga'): number | undefined =>
          medianRatio(
            line.rounds.map((round) => round[key]),
            beside.rounds.map((round) => round[key]),
          );
        return [
          {
            connections: line.connections,
            name,
            sagasPerSecond: ratio('sagasPerSecond'),
            cpuMicrosPerSaga: ratio('cpuMicrosPerSaga'),
            databaseCpuMicrosPerSaga: ratio('databaseCpuMicrosPerSaga'),
          },
        ];
      }),
  );
}
