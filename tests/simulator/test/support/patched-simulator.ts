import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { inPatchedWorkspace, type Patch, WORKSPACE } from '@holdfast/testing/servers';
import type { Violation } from '../../src/check/invariants.ts';

const COPIED = ['packages/protocol', 'packages/core', 'packages/http2', 'packages/branches', 'tests/simulator'];

export interface Run {
  readonly seeds: number;
  readonly tookMs: number;
  readonly violations: readonly (Violation & { readonly seed: number })[];
  readonly counters: Readonly<Record<string, number>>;
}

/** Runs the built simulator of a workspace until its first violation. */
export function runSimulator(args: readonly string[], workspace = WORKSPACE): Promise<Run> {
  const main = join(workspace, 'tests/simulator/dist/main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--json', ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(`no output: ${stderr}`));
      else resolve(JSON.parse(stdout) as Run);
    });
  });
}

/** Runs the simulator on a copy of the built code in which these texts are replaced. */
export const runPatched = (patches: readonly Patch[], args: readonly string[]): Promise<Run> =>
  inPatchedWorkspace(COPIED, patches, (root) => runSimulator(args, root));
