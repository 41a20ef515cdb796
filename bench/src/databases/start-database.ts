import { readlinkSync } from 'node:fs';
import type { Cleanup } from '../processes/cleanup.ts';
import { installedVersion } from '../processes/installed.ts';
import { ownChildren } from './process-tree.ts';
import type { PrivateDatabase } from './private-databases.ts';

/** A database server started for this run. */
export interface Database {
  /** The URL for `--store`. */
  readonly url: string;
  /** Its main process, the ancestor of its other processes; undefined if unknown. */
  readonly pid: number | undefined;
  /** Program, version and settings, for display. */
  readonly description: string;
}

/**
 * Starts a server on a random port with its data in a temporary folder; undefined if it is not
 * installed.
 */
export async function startDatabase(
  { program, settings, start }: PrivateDatabase,
  cleanup: Cleanup,
): Promise<Database | undefined> {
  const before = new Set(ownChildren());
  const server = await start();
  if (server === undefined) return undefined;
  cleanup.add(() => server.stop());
  // Servers are started one after the other, and processes that prepared the data have ended.
  const pid = ownChildren().find((child) => !before.has(child));
  if (pid !== undefined) endWithThisProcess(pid);
  return { url: server.url, pid, description: `${[program, versionOf(pid)].join(' ').trim()}: ${settings}` };
}

/** However this program exits, its databases end with it. */
function endWithThisProcess(pid: number): void {
  process.on('exit', () => {
    if (ownChildren().includes(pid)) process.kill(pid, 'SIGKILL');
  });
}

function versionOf(pid: number | undefined): string | undefined {
  try {
    return pid === undefined
      ? undefined
      : installedVersion(readlinkSync(`/proc/${pid}/exe`), ['--version'], /(\d+(?:\.\d+)+)/);
  } catch {
    return undefined; // A process of another user, whose executable is not readable.
  }
}
