import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Program } from '../src/program.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Starts a program with this code, and stops it. */
async function stopped(code: string, patienceMs = 10_000): ReturnType<Program['stop']> {
  const path = join(temporaryFolder(), 'program.mjs');
  writeFileSync(
    path,
    `console.log('started');\nawait new Promise((end) => process.stdin.resume().on('end', end));\n${code}`,
  );
  const program = new Program(path);
  expect(await program.start()).toBe('started');
  return program.stop(patienceMs);
}

describe('the end of a program', () => {
  it('has no failure with the exit code 0', async () => {
    expect(await stopped('process.exit(0);')).toEqual({ failure: undefined, errors: [] });
  });

  it('names another exit code, and has the last lines of its standard error', async () => {
    const code = `console.error(Array.from({ length: 30 }, (_, line) => 'line ' + line).join('\\n'));\nprocess.exitCode = 70;`;
    const { failure, errors } = await stopped(code);
    expect(failure).toBe('exit code 70');
    expect(errors).toEqual(Array.from({ length: 20 }, (_, line) => `line ${line + 10}`));
  });

  it('names a signal', async () => {
    expect((await stopped(`process.kill(process.pid, 'SIGTERM');`)).failure).toBe('SIGTERM');
  });

  it('names the time after which the program was killed', async () => {
    const { failure } = await stopped('setInterval(() => undefined, 1_000);', 300);
    expect(failure).toBe('SIGKILL after 300 ms');
  });
});
