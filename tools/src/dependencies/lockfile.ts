import { posix } from 'node:path';

/** An entry of `packages` in package-lock.json. */
export interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  /** The workspace that a link leads to. */
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export type Lock = Readonly<Record<string, LockEntry>>;

/** A package that is installed with a published one. */
export interface Dependency {
  /** The folder in the repository, such as `node_modules/pg`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** As its author states it, usually an SPDX expression; undefined: not stated. */
  readonly licence: string | undefined;
  /** As in the lock file: `sha512-…` in base64; undefined for our packages. */
  readonly integrity: string | undefined;
  /** Whether it is part of this repository. */
  readonly isOurs: boolean;
  /** The folders of the packages that it needs. */
  readonly needs: readonly string[];
}

/**
 * The published packages and all that an installation of them contains, by folder, in the order of
 * their names. Optional dependencies count, such as the binaries for other systems; optional peers
 * and development dependencies do not.
 */
export function installedWith(lock: Lock, published: readonly string[]): readonly Dependency[] {
  const found = new Map<string, Dependency>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    const entry = lock[path] ?? {};
    const needs = neededBy(lock, path, entry);
    const isOurs = !path.includes('node_modules/');
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const { version = '', license: licence, integrity } = entry;
    found.set(path, { path, name, version, licence, integrity, isOurs, needs });
    needs.forEach(visit);
  };
  published.forEach(visit);
  return [...found.values()].toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function neededBy(lock: Lock, path: string, entry: LockEntry): readonly string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry;
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  const names = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]);
  return [...names].flatMap((name) => {
    const folder = folderOf(lock, path, name);
    if (folder !== undefined) return [folder];
    // An optional dependency without an entry is for a system that npm leaves out.
    if (optionalDependencies[name] !== undefined) return [];
    throw new Error(`package-lock.json has no ${name}, which ${path} needs; run npm install`);
  });
}

/** The folder in which Node finds a package, from this one upwards. */
function folderOf(lock: Lock, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = posix.dirname(folder)) {
    const path = folder === '.' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = lock[path];
    if (entry !== undefined) return entry.link === true ? entry.resolved : path;
    if (folder === '.') return undefined;
  }
}
