import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmInstall, output } from './npm.ts';
import type { PackedPackage } from './packages.ts';
import { PEERS, USES } from './uses.ts';

export const KINDS = ['module', 'commonjs'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * Installs a package with its family into an empty project, where projects of both kinds use it.
 */
export async function install(
  { name, family }: PackedPackage,
  packed: readonly PackedPackage[],
  parent: string,
): Promise<string> {
  const home = join(parent, name.replace('/', '-'));
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  const tarballs = packed.filter((one) => family.includes(one.name)).map(({ tarball }) => tarball);
  await npmInstall(home, ...tarballs);
  return home;
}

/** Installs the optional peers that some modules of a package cannot be loaded without. */
export async function installPeers({ name }: PackedPackage, home: string): Promise<void> {
  const peers = PEERS[name] ?? [];
  if (peers.length > 0) await npmInstall(home, ...peers);
}

/**
 * Loads every module of the installed package in a project of a kind, and uses it; throws with what
 * went wrong.
 */
export async function use({ name, modules }: PackedPackage, kind: Kind, home: string): Promise<void> {
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
  const project = join(home, kind);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: kind }));
  writeFileSync(join(project, 'main.js'), program);
  const printed = await output(home, process.execPath, join(project, 'main.js'));
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
