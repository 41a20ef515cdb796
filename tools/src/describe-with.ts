import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';
import type { SkipMeta } from './total.ts';

/**
 * A suite that needs programs of the machine, such as `strace` or `mariadbd`. If one is missing,
 * the suite is skipped, and the end of the test run reports which tests were skipped and why;
 * `HOLDFAST_TEST_REQUIRE=all` makes this a failure.
 * @param programs names of executables, searched as by `findProgram`
 */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) {
    describe(name, body);
  } else {
    const meta: SkipMeta = { skipReason: `not installed: ${missing.join(', ')}` };
    describe(name, { skip: true, meta }, body);
  }
}

/** The path of an executable; undefined if it is not installed. */
export function findProgram(program: string): string | undefined {
  return programFolders()
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

/** The PATH, and folders where distributions install servers. */
function programFolders(): readonly string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [...path, '/usr/sbin', '/usr/local/sbin', ...postgresFolders()];
}

function postgresFolders(): readonly string[] {
  const versions = '/usr/lib/postgresql';
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : [];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
