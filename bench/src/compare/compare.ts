import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { startTools } from '../measure/tools.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { CompareOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import { newProfileFolder } from '../profile/profile-folder.ts';
import type { Say } from '../report/say.ts';
import { startCeiling } from '../subjects/ceiling.ts';
import { type BuildRatio, buildRatios } from './builds.ts';
import { measure } from './measure.ts';
import { type LeftOut, type Started, startSubjects } from './start-subjects.ts';
import type { Summary } from './summary.ts';

export interface Comparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly options: CompareOptions;
  readonly lines: readonly Summary[];
  /** Ratios of this checkout to the other one; empty without `against`. */
  readonly builds: readonly BuildRatio[];
  /** For each Holdfast that was started here. */
  readonly ready: readonly { readonly name: string; readonly readyMs: number }[];
  /** For each database that was started here: program, version and settings. */
  readonly databases: readonly { readonly name: string; readonly description: string }[];
  /** Stores of `--store all` that could not be measured. */
  readonly leftOut: readonly LeftOut[];
  /** Folder of the CPU profiles; undefined: none were requested. */
  readonly profileFolder: string | undefined;
}

/** Measures every subject against the ceiling. `cleanup` stops the processes that it starts. */
export async function compare(options: CompareOptions, cleanup: Cleanup, say: Say): Promise<Comparison> {
  const folder = temporaryFolder(cleanup);
  const profileFolder = options.cpuProfile ? newProfileFolder() : undefined;
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const ceiling = await startCeiling(cleanup);
  const { started, leftOut } = await startSubjects(options, folder, profileFolder, cleanup);
  const subjects = started.map(({ subject }) => subject);
  for (const subject of [ceiling, ...subjects]) await preflight(bench, subject);
  for (const subject of [ceiling, ...subjects]) await warmUp(bench, subject, options.warmUpSeconds);

  const lines: Summary[] = [];
  for (const connections of options.connections)
    lines.push(...(await measure(bench, ceiling, subjects, connections, options, say)));
  // A profile is written when its process ends.
  for (const { stop } of started) await stop();
  const { branches, load } = bench;
  return {
    machine,
    branchService: branches.name,
    load: load.name,
    options,
    lines,
    builds: buildRatios(lines, pairsOf(started)),
    ready: readyTimes(started),
    databases: started.flatMap(({ subject, database }) =>
      database === undefined ? [] : [{ name: subject.name, description: database.description }],
    ),
    leftOut,
    profileFolder,
  };
}

const pairsOf = (started: readonly Started[]): readonly { readonly name: string; readonly other: string }[] =>
  started.flatMap(({ subject, comparedWith }) =>
    comparedWith === undefined ? [] : [{ name: comparedWith, other: subject.name }],
  );

function readyTimes(started: readonly Started[]): Comparison['ready'] {
  return started.flatMap(({ subject, readyMs }) => (readyMs === undefined ? [] : [{ name: subject.name, readyMs }]));
}
