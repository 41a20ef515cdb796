import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Folder of Debian's versions of PostgreSQL. */
const POSTGRES_ROOT = '/usr/lib/postgresql';

/**
 * The path of a program, searched in `folders` and then on the PATH; undefined if it is not
 * installed.
 */
export function locate(program: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  return [...folders, ...path].map((folder) => join(folder, program)).find(isExecutable);
}

/**
 * The folders of PostgreSQL's programs, newest version first; Debian does not put them on the PATH.
 */
export function postgresFolders(): readonly string[] {
  try {
    const versions = readdirSync(POSTGRES_ROOT).toSorted((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(POSTGRES_ROOT, version, 'bin'));
  } catch {
    return []; // No such folder: not Debian, or not installed.
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
