import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCommonJs } from './commonjs.ts';
import { output } from './npm.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** One package as `npm pack` makes it. */
export interface PackedPackage {
  readonly name: string;
  /** What can be imported: `@holdfast/client`, `@holdfast/client/pg`, … */
  readonly modules: readonly string[];
  readonly commands: readonly string[];
  readonly tarball: string;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
  /**
   * Its own packages, itself included, that must be installed with it while no registry has them.
   */
  readonly family: readonly string[];
}

interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** Packs every package that is meant for a registry into `folder`. They must be built. */
export async function packAll(root: string, folder: string): Promise<readonly PackedPackage[]> {
  const homes = readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((home) => existsSync(join(home, 'package.json')));
  const manifests = homes.map((home) => JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest);
  const byName = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  return Promise.all(
    manifests.flatMap((manifest, index) => {
      const home = homes[index];
      return manifest.private === true || home === undefined ? [] : [pack(home, folder, manifest, byName)];
    }),
  );
}

async function pack(
  home: string,
  folder: string,
  manifest: Manifest,
  byName: ReadonlyMap<string, Manifest>,
): Promise<PackedPackage> {
  await buildCommonJs(home);
  const packed = await output(home, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder);
  const [report] = JSON.parse(packed) as readonly PackReport[];
  if (report === undefined) throw new Error(`npm pack did not report ${manifest.name}`);
  return {
    name: manifest.name,
    modules: Object.keys(manifest.exports).map((path) => manifest.name + path.slice(1)),
    commands: Object.keys(manifest.bin ?? {}),
    tarball: join(folder, report.filename),
    packedBytes: report.size,
    unpackedBytes: report.unpackedSize,
    files: report.entryCount,
    family: familyOf(manifest.name, byName),
  };
}

function familyOf(name: string, byName: ReadonlyMap<string, Manifest>): readonly string[] {
  const found = new Set<string>();
  const visit = (one: string): void => {
    const manifest = byName.get(one);
    if (manifest === undefined || found.has(one)) return;
    found.add(one);
    for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency);
  };
  visit(name);
  return [...found];
}
