import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 180_000;

/**
 * Runs a program in a folder. Returns its standard output; throws with all its output if it fails.
 */
export async function output(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS });
    return stdout;
  } catch (error) {
    const texts = error instanceof Error && 'stderr' in error && 'stdout' in error ? [error.stdout, error.stderr] : [];
    throw new Error(`${program} ${args.join(' ')} in ${folder} failed: ${texts.map(String).join('\n')}`, {
      cause: error,
    });
  }
}

/** Adds packages to the project in a folder. */
export async function npmInstall(folder: string, ...packages: readonly string[]): Promise<void> {
  await output(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages);
}
