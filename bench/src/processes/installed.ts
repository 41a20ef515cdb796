import { spawnSync } from 'node:child_process';

/** The first match of `pattern` in a program's version output; undefined if it is not installed. */
export function installedVersion(program: string, args: readonly string[], pattern: RegExp): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 5_000 });
  if (error !== undefined) return undefined;
  return pattern.exec(stdout + stderr)?.[1];
}
