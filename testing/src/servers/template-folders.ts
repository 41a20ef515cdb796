import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.ts';

/** Names the folder in which a test run keeps new data folders of databases, to be copied. */
const VARIABLE = 'HOLDFAST_TEST_TEMPLATES';

/**
 * Keeps the first new data folder of each database until the end of this test run, so that the
 * servers after it start from a copy. Returns a function that removes them. For a global setup: the
 * workers that are started later find the folder in their environment.
 */
export function keepTemplates(): () => void {
  if (process.env[VARIABLE] !== undefined) return () => undefined;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-templates-'));
  process.env[VARIABLE] = folder;
  return () => {
    delete process.env[VARIABLE];
    rmSync(folder, { recursive: true, force: true });
  };
}

/**
 * Makes `data` a new data folder: a copy of the run's template, or what `create` makes, which then
 * becomes the template. A database server takes seconds to create one, a copy a tenth of one.
 *
 * @param name the program and everything by which `create` decides
 */
export async function newDataFolder(name: string, data: string, create: () => Promise<unknown>): Promise<void> {
  const folder = process.env[VARIABLE];
  if (folder === undefined) return void (await create());
  const template = join(folder, name);
  if (existsSync(template)) return copy(template, data);
  await create();
  // Renamed when it is complete, because another worker may copy it at the same time.
  const unfinished = await mkdtemp(join(folder, 'unfinished-'));
  await copy(data, join(unfinished, name));
  await rename(join(unfinished, name), template).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  await rm(unfinished, { recursive: true, force: true });
}

/** With owners and permissions, because a server rejects a folder of another account. */
async function copy(from: string, to: string): Promise<void> {
  // MariaDB's log is 100 MB of zeros.
  const sparse = process.platform === 'linux' ? ['--sparse=always'] : [];
  await runChild('cp', ['-a', ...sparse, from, to]);
}
