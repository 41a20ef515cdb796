import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Violation } from '../../src/check/invariants.ts';

const WORKSPACE = fileURLToPath(new URL('../../../', import.meta.url));
const COPIED = ['packages/protocol', 'packages/core', 'simulator'];

/** A change of one built file of production code. */
export interface Patch {
  /** Path in the workspace. */
  readonly file: string;
  /** Must stand in the file exactly once, whatever the white space in it. */
  readonly from: string;
  readonly to: string;
}

export interface Run {
  readonly seeds: number;
  readonly tookMs: number;
  readonly violations: readonly (Violation & { readonly seed: number })[];
  readonly counters: Readonly<Record<string, number>>;
}

/** Runs the built simulator of a workspace until its first violation. */
export function runSimulator(args: readonly string[], workspace = WORKSPACE): Promise<Run> {
  const main = join(workspace, 'simulator/dist/main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--json', ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(`no answer: ${stderr}`));
      else resolve(JSON.parse(stdout) as Run);
    });
  });
}

/** Runs the simulator on a copy of the built code in which these texts are replaced. Throws when one is not there exactly once. */
export async function runPatched(patches: readonly Patch[], args: readonly string[]): Promise<Run> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-mutation-'));
  try {
    for (const folder of COPIED) copyBuilt(folder, root);
    linkDependencies(root);
    for (const patch of patches) applyPatch(root, patch);
    return await runSimulator(args, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function copyBuilt(folder: string, root: string): void {
  const target = join(root, folder);
  mkdirSync(target, { recursive: true });
  cpSync(join(WORKSPACE, folder, 'package.json'), join(target, 'package.json'));
  cpSync(join(WORKSPACE, folder, 'dist'), join(target, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(d\.ts|map|tsbuildinfo)$/.test(path),
  });
}

/** Imports of each other find the copies, all others the workspace's dependencies. */
function linkDependencies(root: string): void {
  const modules = join(WORKSPACE, 'node_modules');
  mkdirSync(join(root, 'node_modules/@holdfast'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@holdfast' && !name.startsWith('.'))
      symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  for (const folder of COPIED) {
    const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string };
    const link = join(root, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, folder), link, 'dir');
  }
}

function applyPatch(root: string, { file, from, to }: Patch): void {
  const path = join(root, file);
  const source = readFileSync(path, 'utf8');
  const [text, rest] = source.split(anySpace(from));
  const count = source.split(anySpace(from)).length - 1;
  if (count !== 1 || text === undefined || rest === undefined)
    throw new Error(`${file} contains ${count} times, not once: ${from}`);
  writeFileSync(path, `${text}${to}${rest}`);
}

/** Matches a text however it is broken into lines and indented. */
function anySpace(text: string): RegExp {
  const escaped = text.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(escaped.replace(/\s+/g, '\\s+'));
}
