import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDataFolder, locate, removeDataFolder, runChild } from '@holdfast/testing/servers';
import { runCaseProgram } from './case-lines.ts';
import type { Cases, Suite } from './suite.ts';

const FOLDER = fileURLToPath(new URL('../python', import.meta.url));

// `-B`: nothing is written into the folder of the sources.
const PROGRAM = { args: ['-B', 'main.py'], cwd: FOLDER };

/** dtm's Python client. */
export const PYTHON_SUITE: Suite = {
  name: 'python',
  title: "dtm's Python client",
  needs: 'Python 3.9 or later with venv (Debian: python3-venv)',
  build: buildPythonCases,
};

/**
 * Creates a virtual environment in `folder` with the packages of a requirements file, whose hashes
 * are verified. Returns its interpreter; undefined when Python is not installed.
 */
export async function createVirtualEnvironment(folder: string, requirements: string): Promise<string | undefined> {
  const python = locate('python3');
  if (python === undefined) return undefined;
  await runChild(python, ['-m', 'venv', folder]);
  const interpreter = join(folder, 'bin', 'python');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
  await runChild(interpreter, [...install, '-r', requirements]);
  return interpreter;
}

async function buildPythonCases(): Promise<Cases | undefined> {
  const folder = await createDataFolder('python-cases', undefined);
  const abort = new AbortController();
  const stop = async (): Promise<void> => {
    abort.abort();
    await removeDataFolder(folder);
  };
  try {
    const python = await createVirtualEnvironment(folder, join(FOLDER, 'requirements.txt'));
    if (python === undefined) await stop();
    else
      return { run: (...args) => runCaseProgram({ ...PROGRAM, program: python, signal: abort.signal }, ...args), stop };
    return undefined;
  } catch (error) {
    await stop();
    throw error;
  }
}
