import {
  cpSync,
  existsSync,
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
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A change of one built file. */
export interface Patch {
  /** Folder name in `packages/`. */
  readonly package: string;
  /** Path below the package's `dist/`. */
  readonly file: string;
  /** Texts and their replacements; each text must occur in the file exactly once. */
  readonly replace: readonly (readonly [from: string, to: string])[];
}

/** A copy of the built packages with patches in it. */
export interface PatchedBuild {
  /** The coordinator's command line in the copy. */
  readonly cliPath: string;
  /** The copy of the workspace: `packages/NAME/dist/…`, `tests/crash/dist/…` and `node_modules`. */
  readonly root: string;
  /** Removes the copy. */
  dispose(): void;
}

/**
 * A patch does not fit the code (any more): the text is missing or ambiguous, so that the "broken"
 * build would not be broken.
 */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

const SCOPE = '@holdfast';
const WORKSPACE = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Copies the built packages to a temporary folder, where their imports of each other find the
 * copies and all other imports find the workspace's dependencies, and patches them there. Throws
 * `PatchError`. The workspace must be built; its own files are not touched.
 */
export function withPatchedBuild(...patches: readonly Patch[]): PatchedBuild {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-patched-'));
  const dispose = (): void => rmSync(root, { recursive: true, force: true });
  try {
    copyPackages(root);
    copyBuilt(join(WORKSPACE, 'tests/crash'), join(root, 'tests/crash'));
    linkDependencies(root);
    for (const patch of patches) applyPatch(root, patch);
  } catch (error) {
    dispose();
    throw error;
  }
  return { root, cliPath: join(root, 'packages/cli/dist/cli.js'), dispose };
}

/**
 * Replaces texts that must occur in the source exactly once. Throws a `PatchError` that contains
 * `name`.
 */
export function replaceOnce(source: string, replace: Patch['replace'], name: string): string {
  let result = source;
  for (const [from, to] of replace) {
    const count = result.split(from).length - 1;
    if (count !== 1) throw new PatchError(`${name} contains ${count} times, not once: ${from}`);
    // A function, because a replacement text would give `$` a meaning.
    result = result.replace(from, () => to);
  }
  return result;
}

function copyPackages(root: string): void {
  for (const name of readdirSync(join(WORKSPACE, 'packages'))) {
    const source = join(WORKSPACE, 'packages', name);
    if (!existsSync(join(source, 'dist'))) continue;
    const target = join(root, 'packages', name);
    copyBuilt(source, target);
    const nested = join(source, 'node_modules');
    if (existsSync(nested)) symlinkSync(nested, join(target, 'node_modules'), 'dir');
  }
}

function copyBuilt(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  cpSync(join(source, 'package.json'), join(target, 'package.json'));
  cpSync(join(source, 'dist'), join(target, 'dist'), { recursive: true, filter: isRunnable });
}

/** Everything but what only compilers and debuggers read. */
function isRunnable(path: string): boolean {
  return !/\.(d\.ts|map|tsbuildinfo)$/.test(path);
}

function linkDependencies(root: string): void {
  const modules = join(WORKSPACE, 'node_modules');
  mkdirSync(join(root, 'node_modules', SCOPE), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== SCOPE && !name.startsWith('.')) symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  for (const name of readdirSync(join(root, 'packages'))) {
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules', SCOPE, name), 'dir');
  }
}

function applyPatch(root: string, patch: Patch): void {
  const path = join(root, 'packages', patch.package, 'dist', patch.file);
  const name = `packages/${patch.package}/dist/${patch.file}`;
  if (!existsSync(path)) throw new PatchError(`${name} does not exist`);
  writeFileSync(path, replaceOnce(readFileSync(path, 'utf8'), patch.replace, name));
}
