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

/** The root of this repository. */
export const WORKSPACE = fileURLToPath(new URL('../../../', import.meta.url));

/** A change of one built file of production code. */
export interface Patch {
  /** Path in the workspace. */
  readonly file: string;
  /** Must occur in the file exactly once, ignoring white space. */
  readonly from: string;
  readonly to: string;
}

/**
 * Runs `use` on a copy of the built code of these folders in which the texts of the patches are
 * replaced, then removes the copy. Throws if a text does not occur in its file exactly once.
 */
export async function inPatchedWorkspace<T>(
  folders: readonly string[],
  patches: readonly Patch[],
  use: (root: string) => Promise<T>,
): Promise<T> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-mutation-'));
  try {
    for (const folder of folders) copyBuilt(folder, root);
    linkDependencies(folders, root);
    for (const patch of patches) applyPatch(root, patch);
    return await use(root);
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

/** Imports of these packages resolve to the copies, all others to the workspace's dependencies. */
function linkDependencies(folders: readonly string[], root: string): void {
  const modules = join(WORKSPACE, 'node_modules');
  mkdirSync(join(root, 'node_modules/@holdfast'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@holdfast' && !name.startsWith('.'))
      symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  for (const folder of folders) {
    const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string };
    const link = join(root, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, folder), link, 'dir');
  }
}

/** Throws unless the text of a patch occurs exactly once in the built file that it changes. */
export const assertPatchFits = (patch: Patch): void => void patchedText(WORKSPACE, patch);

const applyPatch = (root: string, patch: Patch): void =>
  writeFileSync(join(root, patch.file), patchedText(root, patch));

function patchedText(root: string, { file, from, to }: Patch): string {
  const source = readFileSync(join(root, file), 'utf8');
  const [text, rest] = source.split(anySpace(from));
  const count = source.split(anySpace(from)).length - 1;
  if (count !== 1 || text === undefined || rest === undefined)
    throw new Error(`${file} contains ${count} times, not once: ${from}`);
  return `${text}${to}${rest}`;
}

/** Matches a text with any line breaks and indentation. */
function anySpace(text: string): RegExp {
  const escaped = text.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(escaped.replace(/\s+/g, '\\s+'));
}
