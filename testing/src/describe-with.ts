import { describe } from 'vitest';
import { locate, postgresFolders } from './servers/locate.ts';

/**
 * A suite that needs programs of the machine, such as `strace` or `mariadbd`. If one is missing,
 * the suite is skipped, and the end of the test run reports which tests were skipped and why;
 * `HOLDFAST_TEST_REQUIRE=all` makes this a failure.
 * @param programs names of executables, searched on the PATH and in folders where distributions
 *   install servers
 */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const folders = ['/usr/sbin', '/usr/local/sbin', ...postgresFolders()];
  const missing = programs.filter((program) => locate(program, folders) === undefined);
  if (missing.length === 0) {
    describe(name, body);
  } else {
    // The reporter of the test run (`tools/src/total.ts`) reads this field.
    describe(name, { skip: true, meta: { skipReason: `not installed: ${missing.join(', ')}` } }, body);
  }
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite with all its tests is skipped. */
    readonly skipReason?: string;
  }
}
