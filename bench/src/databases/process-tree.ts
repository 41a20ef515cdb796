import { readdirSync } from 'node:fs';
import { parseCpuSecondsWithChildren, readProc } from '../machine/process-figures.ts';

/** The parent of every visible process. */
function parents(): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const name of namesIn('/proc')) {
    const stat = /^\d+$/.test(name) ? readProc(`/proc/${name}/stat`) : undefined;
    if (stat !== undefined) found.set(Number(name), parseParent(stat));
  }
  return found;
}

/** The parent's PID, from the text of /proc/PID/stat. */
export const parseParent = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);

/** Running processes that this one started; empty without /proc. */
export const ownChildren = (): readonly number[] =>
  [...parents()].filter(([, parent]) => parent === process.pid).map(([pid]) => pid);

/**
 * CPU seconds of a process, its running descendants and their ended children; undefined if unknown.
 */
export function treeCpuSeconds(root: number): number | undefined {
  const all = parents();
  if (!all.has(root)) return undefined;
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isBelow(all.get(pid)));
  let seconds = 0;
  for (const pid of all.keys()) {
    const stat = isBelow(pid) ? readProc(`/proc/${pid}/stat`) : undefined;
    if (stat !== undefined) seconds += parseCpuSecondsWithChildren(stat);
  }
  return seconds;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Not Linux.
  }
}
