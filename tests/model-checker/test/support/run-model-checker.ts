import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { inPatchedWorkspace, type Patch, WORKSPACE } from '@holdfast/testing/servers';
import type { Exploration } from '../../src/explore.ts';

const COPIED = ['packages/protocol', 'packages/core', 'tests/model-checker'];

/** Runs the built model checker of a workspace until its first violation. */
export function runModelChecker(args: readonly string[], workspace = WORKSPACE): Promise<readonly Exploration[]> {
  const main = join(workspace, 'tests/model-checker/dist/main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--json', ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(`no output: ${stderr}`));
      else resolve(JSON.parse(stdout) as readonly Exploration[]);
    });
  });
}

/** Runs the model checker on a copy of the built code in which these texts are replaced. */
export const runPatched = (patches: readonly Patch[], args: readonly string[]): Promise<readonly Exploration[]> =>
  inPatchedWorkspace(COPIED, patches, (root) => runModelChecker(args, root));
