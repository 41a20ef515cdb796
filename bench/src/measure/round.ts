import type { BranchService } from '../branch/branch-service.ts';
import type { LoadGenerator, LoadResult } from '../load/load.ts';
import { treeCpuSeconds } from '../databases/process-tree.ts';
import { watchMemory } from '../machine/memory-watch.ts';
import { machineTicks, shareOfOthers } from '../machine/others.ts';
import { cpuSeconds, ownCpuSeconds, TICKS_PER_SECOND } from '../machine/process-figures.ts';
import type { Subject } from '../subjects/subject.ts';

/** The tools for a round. */
export interface Bench {
  readonly branches: BranchService;
  readonly load: LoadGenerator;
  /** Prefix of every gid of this run. */
  readonly runId: string;
}

/** One round of load on one subject. Figures that the system does not report are undefined. */
export interface Round extends LoadResult {
  readonly sagasPerSecond: number;
  /** CPU of the subject's process, user and system, in µs per completed saga. */
  readonly cpuMicrosPerSaga: number | undefined;
  /** The same for all processes of its database server, if that was started for it. */
  readonly databaseCpuMicrosPerSaga: number | undefined;
  /** Maximum. */
  readonly rssAnonMb: number | undefined;
  /**
   * Share (0 to 1) of the machine's CPU time used by neither the subject, its database, the branch
   * service nor the load.
   */
  readonly othersShare: number | undefined;
}

let roundsRun = 0;

/** Puts load on a subject and measures its cost. */
export async function runRound(bench: Bench, subject: Subject, connections: number, seconds: number): Promise<Round> {
  roundsRun += 1;
  const gidPrefix = `${bench.runId}-${roundsRun}-`;
  const endMemoryWatch = watchMemory(subject.pid);
  const before = look(bench, subject);
  const branches = (subject.branches ?? bench.branches).origin;
  const { token, authority } = subject;
  const load = await loadOf(bench, subject)
    .run({ target: subject.origin, branches, connections, seconds, gidPrefix, token, authority })
    .finally(endMemoryWatch);
  const after = look(bench, subject);
  return {
    ...load,
    sagasPerSecond: load.completed / load.seconds,
    cpuMicrosPerSaga: perSaga(before.subjectSeconds, after.subjectSeconds, load.completed),
    databaseCpuMicrosPerSaga: perSaga(before.databaseSeconds, after.databaseSeconds, load.completed),
    rssAnonMb: endMemoryWatch(),
    othersShare: othersShare(before, after),
  };
}

interface Look {
  readonly subjectSeconds: number | undefined;
  readonly databaseSeconds: number | undefined;
  readonly ourSeconds: number;
  readonly machine: ReturnType<typeof machineTicks>;
}

const loadOf = (bench: Bench, { ownLoad, grpcLoad }: Subject): LoadGenerator => ownLoad ?? grpcLoad ?? bench.load;

function look(bench: Bench, subject: Subject): Look {
  const { pid, databasePid } = subject;
  const tools = [(subject.branches ?? bench.branches).pid, subject.grpcLoad?.pid];
  const subjectSeconds = pid === undefined ? undefined : cpuSeconds(pid);
  const databaseSeconds = databasePid === undefined ? undefined : treeCpuSeconds(databasePid);
  return {
    subjectSeconds,
    databaseSeconds,
    ourSeconds: (subjectSeconds ?? 0) + (databaseSeconds ?? 0) + secondsOf(tools) + ownCpuSeconds(),
    machine: machineTicks(),
  };
}

const secondsOf = (pids: readonly (number | undefined)[]): number =>
  pids.reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : (cpuSeconds(pid) ?? 0)), 0);

function perSaga(before: number | undefined, after: number | undefined, completed: number): number | undefined {
  if (before === undefined || after === undefined || completed === 0) return undefined;
  return ((after - before) * 1e6) / completed;
}

/** Also unknown if the subject's CPU time is. */
function othersShare(before: Look, after: Look): number | undefined {
  if (before.machine === undefined || after.machine === undefined || after.subjectSeconds === undefined)
    return undefined;
  return shareOfOthers(before.machine, after.machine, (after.ourSeconds - before.ourSeconds) * TICKS_PER_SECOND);
}
