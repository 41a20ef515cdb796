import { readlinkSync } from 'node:fs';
import type { Cleanup } from '../processes/cleanup.ts';
import { installedVersion } from '../processes/installed.ts';
import { ownChildren } from './process-tree.ts';
import type { PrivateDatabase } from './private-databases.ts';

/** A database server that runs for this run only. */
export interface Database {
  /** As a coordinator's `--store` takes it. */
  readonly url: string;
  /** Its process, to which all others of it belong; undefined when the system does not tell. */
  readonly pid: number | undefined;
  /** Program, version and settings, for people. */
  readonly description: string;
}

/** Starts it on a random port with its data in a temporary folder; undefined when it is not installed. */
export async function startDatabase(
  { program, settings, start }: PrivateDatabase,
  cleanup: Cleanup,
): Promise<Database | undefined> {
  const before = new Set(ownChildren());
  const server = await start();
  if (server === undefined) return undefined;
  cleanup.add(() => server.stop());
  // Servers are started one after the other, and what prepared the data has ended.
  const pid = ownChildren().find((child) => !before.has(child));
  if (pid !== undefined) endWithThisProcess(pid);
  return { url: server.url, pid, description: `${[program, versionOf(pid)].join(' ').trim()}: ${settings}` };
}

/** Whatever ends this program, its databases do not stay. */
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
    return undefined; // Another user's, and this one may not look.
  }
}
