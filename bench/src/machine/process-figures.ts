import { readFileSync } from 'node:fs';

/**
 * Linux reports CPU time in /proc in hundredths of a second, on every architecture that Node
 * supports.
 */
export const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, from the text of /proc/PID/stat. */
export function parseCpuSeconds(stat: string): number {
  // The program's name is in parentheses and may itself contain parentheses and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** As `parseCpuSeconds`, including children that have ended and been waited for. */
export function parseCpuSecondsWithChildren(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return parseCpuSeconds(stat) + (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Anonymous resident memory in MB (of 1024 KB), from the text of /proc/PID/status. */
export function parseRssAnonMb(status: string): number | undefined {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(status);
  return match === null ? undefined : Number(match[1]) / 1024;
}

/** CPU seconds of this process and of its children that have ended; 0 if unknown. */
export function ownCpuSeconds(): number {
  const stat = readProc('/proc/self/stat');
  return stat === undefined ? 0 : parseCpuSecondsWithChildren(stat);
}

/** CPU seconds that a process has used; undefined if unknown. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseCpuSeconds(stat);
}

/** Current memory of a process; undefined if unknown. */
export function rssAnonMb(pid: number): number | undefined {
  const status = readProc(`/proc/${pid}/status`);
  return status === undefined ? undefined : parseRssAnonMb(status);
}

/** Undefined without /proc, or if the process has ended. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}
