import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

type Versions = Readonly<Record<string, string>>;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly workspaces?: readonly string[];
  readonly exports?: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly devDependencies?: Versions;
}

interface ProjectFile {
  readonly references?: readonly { readonly path: string }[];
}

/** A folder of this repository that has a package.json. */
export interface Workspace {
  /** From the root of the repository; `.` is the root itself. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /**
   * Exported modules, such as `@holdfast/client/fastify` → its built file, from the root of the
   * repository.
   */
  readonly modules: ReadonlyMap<string, string>;
  /** Packages that the published code may import: ordinary, peer and optional dependencies. */
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  /**
   * Folders referenced by its tsconfig.json, from the root of the repository; undefined without a
   * tsconfig.json.
   */
  readonly references: readonly string[] | undefined;
  readonly hasReadme: boolean;
}

/** All workspaces; the root, which has only development dependencies, comes first. */
export function readWorkspaces(root: string): readonly Workspace[] {
  const folders = (readManifest(root, '.').workspaces ?? []).flatMap((glob) => expand(root, glob));
  return ['.', ...folders].map((folder) => readWorkspace(root, folder));
}

/** The folders that `tsconfig.build.json` builds. */
export function readBuildReferences(root: string): readonly string[] {
  return readReferences(root, 'tsconfig.build.json');
}

function readWorkspace(root: string, folder: string): Workspace {
  const manifest = readManifest(root, folder);
  const tsconfig = posix.join(folder, 'tsconfig.json');
  return {
    folder,
    name: manifest.name,
    version: manifest.version,
    modules: modulesOf(folder, manifest),
    dependencies: { ...manifest.peerDependencies, ...manifest.optionalDependencies, ...manifest.dependencies },
    devDependencies: manifest.devDependencies ?? {},
    references: existsSync(join(root, tsconfig)) ? readReferences(root, tsconfig) : undefined,
    hasReadme: existsSync(join(root, folder, 'README.md')),
  };
}

function modulesOf(folder: string, manifest: Manifest): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(manifest.exports ?? {}).map(([path, target]) => {
      const built = typeof target === 'string' ? target : target.default;
      return [posix.join(manifest.name, path), posix.join(folder, built)];
    }),
  );
}

/** A workspace pattern is either a folder or all folders within one. */
function expand(root: string, glob: string): readonly string[] {
  if (!glob.endsWith('/*')) return [glob];
  const parent = glob.slice(0, -2);
  const children = readdirSync(join(root, parent)).map((child) => posix.join(parent, child));
  return children.filter((folder) => existsSync(join(root, folder, 'package.json')));
}

function readReferences(root: string, tsconfig: string): readonly string[] {
  const { references = [] } = readJson(join(root, tsconfig)) as ProjectFile;
  return references.map(({ path }) => posix.join(posix.dirname(tsconfig), path));
}

function readManifest(root: string, folder: string): Manifest {
  return readJson(join(root, folder, 'package.json')) as Manifest;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
