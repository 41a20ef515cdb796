import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './npm.ts';
import type { PackedPackage } from './packages.ts';
import { PEERS, USES } from './uses.ts';

export const KINDS = ['module', 'commonjs'] as const;
export type Kind = (typeof KINDS)[number];

/** Installs a package with its family into an empty project of that kind. */
export async function install(
  { name, family }: PackedPackage,
  packed: readonly PackedPackage[],
  kind: Kind,
  parent: string,
): Promise<string> {
  const folder = join(parent, `${name.replace('/', '-')}-${kind}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: kind }));
  const tarballs = packed.filter((one) => family.includes(one.name)).map(({ tarball }) => tarball);
  await output(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs);
  return folder;
}

/** Loads every module of the installed package and uses it; throws with what went wrong. */
export async function use({ name, modules }: PackedPackage, kind: Kind, folder: string): Promise<void> {
  const peers = PEERS[name] ?? [];
  if (peers.length > 0) await output(folder, 'npm', 'install', '--prefer-offline', ...peers);
  const work = USES[name];
  if (work === undefined) throw new Error(`nothing is known to be done with ${name}: add it to uses.ts`);
  const load = kind === 'module' ? '(name) => import(name)' : 'async (name) => require(name)';
  const program = `
    const load = ${load};
    const print = (text) => process.stdout.write(text);
    async function main() {
      for (const name of ${JSON.stringify(modules)}) await load(name);
      ${work}
    }
    main().catch((error) => { console.error(error); process.exit(1); });
  `;
  writeFileSync(join(folder, 'main.js'), program);
  const printed = await output(folder, process.execPath, 'main.js');
  if (printed !== 'works') throw new Error(`${name} in a ${kind} project printed ${JSON.stringify(printed)}`);
}

/** Packages below `node_modules`, those of other packages' own included. */
export function countInstalled(folder: string): number {
  const modules = join(folder, 'node_modules');
  const homes = entriesOf(modules).flatMap((name) =>
    name.startsWith('@')
      ? entriesOf(join(modules, name)).map((inner) => join(modules, name, inner))
      : [join(modules, name)],
  );
  return homes.reduce((sum, home) => sum + 1 + countInstalled(home), 0);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
