import { readProc } from './process-figures.ts';

/** CPU time of the whole machine, in ticks since it started. */
export interface MachineTicks {
  readonly all: number;
  /** Used by programs and the kernel on this machine. */
  readonly busy: number;
  /** Taken by the hypervisor for other machines. */
  readonly stolen: number;
}

/** Parses the first line of /proc/stat. */
export function parseMachineTicks(stat: string): MachineTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, stolen = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softIrq;
  return { all: busy + idle + ioWait + stolen, busy, stolen };
}

/** Undefined without /proc. */
export function machineTicks(): MachineTicks | undefined {
  const stat = readProc('/proc/stat');
  return stat === undefined ? undefined : parseMachineTicks(stat);
}

/**
 * The machine's share (0 to 1) used by processes other than the benchmark's between two samples;
 * `ourTicks` is the time that the benchmark's processes used.
 */
export function shareOfOthers(before: MachineTicks, after: MachineTicks, ourTicks: number): number {
  const all = after.all - before.all;
  if (all <= 0) return 0;
  const foreign = Math.max(0, after.busy - before.busy - ourTicks);
  return (foreign + after.stolen - before.stolen) / all;
}
