import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import { preflight } from '../measure/preflight.ts';
import { type Bench, type Round, runRound } from '../measure/round.ts';
import { startTools } from '../measure/tools.ts';
import type { CompareOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import type { Say } from '../report/say.ts';
import type { Subject } from '../subjects/subject.ts';
import { type Started, startSubjects } from './start-subjects.ts';
import { type Summary, summarize } from './summary.ts';

const RESULTS = fileURLToPath(new URL('../../results', import.meta.url));

export interface Comparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly load: string;
  readonly options: CompareOptions;
  readonly lines: readonly Summary[];
  /** Of each Holdfast that was started here. */
  readonly ready: readonly { readonly name: string; readonly readyMs: number }[];
  /** Where the CPU profiles are; undefined: none were asked for. */
  readonly profileFolder: string | undefined;
}

/** Measures every subject beside the ceiling. What it starts is stopped by `cleanup`. */
export async function compare(options: CompareOptions, cleanup: Cleanup, say: Say): Promise<Comparison> {
  const folder = temporaryFolder(cleanup);
  const profileFolder = options.cpuProfile ? newProfileFolder() : undefined;
  const machine = machineFacts(folder);
  const bench = await startTools(options, folder, cleanup);
  const started = await startSubjects(options, folder, profileFolder, cleanup);
  const subjects = started.map(({ subject }) => subject);
  for (const subject of subjects) await preflight(bench, subject);

  const lines: Summary[] = [];
  for (const connections of options.connections)
    lines.push(...(await measure(bench, subjects, connections, options, say)));
  // A profile is written when its process ends.
  for (const { stop } of started) await stop();
  const { branches, load } = bench;
  return {
    machine,
    branchService: branches.name,
    load: load.name,
    options,
    lines,
    ready: readyTimes(started),
    profileFolder,
  };
}

/** All rounds with one number of connections: every subject in turn, round after round. */
async function measure(
  bench: Bench,
  subjects: readonly Subject[],
  connections: number,
  { rounds, seconds, warmUpSeconds }: CompareOptions,
  say: Say,
): Promise<readonly Summary[]> {
  for (const subject of warmUpSeconds > 0 ? subjects : []) await runRound(bench, subject, connections, warmUpSeconds);
  const results = subjects.map((): Round[] => []);
  for (let number = 1; number <= rounds; number++) {
    for (const [index, subject] of subjects.entries()) {
      const round = await runRound(bench, subject, connections, seconds);
      results[index]?.push(round);
      say(
        `c${connections}, round ${number} of ${rounds}, ${subject.name}: ${Math.round(round.sagasPerSecond)} sagas/s`,
      );
    }
  }
  const ceiling = results[0] ?? [];
  return subjects.map(({ name }, index) => summarize(connections, name, results[index] ?? [], ceiling));
}

function readyTimes(started: readonly Started[]): Comparison['ready'] {
  return started.flatMap(({ subject, readyMs }) => (readyMs === undefined ? [] : [{ name: subject.name, readyMs }]));
}

function newProfileFolder(): string {
  const folder = join(RESULTS, `cpu-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}
