import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Licensed } from './licences.ts';
import { type Dependency, installedWith, type Lock } from './lockfile.ts';

const TEXT = /^(?:licen[cs]e|copying|unlicense)(?:[.-].*)?$/i;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string | { readonly type?: string };
  readonly private?: boolean;
}

export const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

/** What is installed with the published packages, with the licences from the installed folders. */
export async function readDependencies(root: string): Promise<readonly Licensed[]> {
  const { packages } = await readJson<{ packages: Lock }>(join(root, 'package-lock.json'));
  const folders = (await readdir(join(root, 'packages'))).toSorted().map((name) => `packages/${name}`);
  const published = folders.filter((path) => existsSync(join(root, path, 'package.json')));
  return Promise.all(installedWith(packages, published).map((one) => withText(root, one)));
}

async function withText(root: string, dependency: Dependency): Promise<Licensed> {
  const folder = join(root, dependency.path);
  // Binaries for other systems are in the lock file only.
  if (!existsSync(join(folder, 'package.json'))) return { ...dependency, text: '' };
  const { license, version } = await readJson<Manifest>(join(folder, 'package.json'));
  if (version !== dependency.version)
    throw new Error(`${dependency.path} has version ${version}, package-lock.json ${dependency.version}; run npm ci`);
  const licence = typeof license === 'object' ? license.type : license;
  const name = (await readdir(folder)).toSorted().find((one) => TEXT.test(one));
  const own = dependency.isOurs ? join(root, 'LICENSE') : name === undefined ? undefined : join(folder, name);
  const text = own === undefined ? undefined : (await readFile(own, 'utf8')).replaceAll('\r\n', '\n').trim();
  return { ...dependency, licence, text };
}
