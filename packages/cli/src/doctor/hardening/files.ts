import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { flagOf } from '@holdfast/server/config';
import { type Finding, fail, ok, skip, warn } from '../finding.ts';
import { storeKeyFileOf } from './store.ts';
import type { HardeningItem, Installation } from './installation.ts';

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const IS_STICKY = 0o1000;

interface NamedFile {
  readonly label: string;
  readonly path: string;
  readonly isSecret: boolean;
}

export const secretFiles: HardeningItem = {
  name: 'secret files',
  async check(installation) {
    const { name } = secretFiles;
    if (process.platform === 'win32') return [ok(name, 'not checked on Windows: see the access control lists')];
    const files = await filesOf(installation);
    const faults = (await Promise.all(files.map(faultsOf))).flat();
    if (faults.length > 0) return faults;
    return [ok(name, files.length === 0 ? 'no option names a file' : `${files.length} files, closed to others`)];
  },
};

async function filesOf({ config, files, secretFiles: further }: Installation): Promise<readonly NamedFile[]> {
  const named = files.map(async ({ name, path, content, isFolder }) => {
    const file = { label: flagOf(name), path, isSecret: content === 'secrets' };
    return isFolder ? filesIn(file) : [file];
  });
  const storeKey = storeKeyFileOf(config.store);
  return [
    ...(await Promise.all(named)).flat(),
    ...further.map((file) => ({ ...file, isSecret: true })),
    ...(storeKey === undefined ? [] : [{ label: 'the key in the URL of --store', path: storeKey, isSecret: true }]),
  ];
}

/** More than these are not examined one by one. */
const MOST_SECRETS = 1_000;

/** The files in a folder such as `--secrets-dir`, also those in the folders of namespaces. */
async function filesIn(folder: NamedFile): Promise<readonly NamedFile[]> {
  const entries = await readdir(folder.path, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [folder];
  // Kubernetes mounts a folder of links to files behind a link that begins with a dot.
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .slice(0, MOST_SECRETS)
    .map((entry) => ({ ...folder, path: join(entry.parentPath, entry.name) }));
}

async function faultsOf({ label, path, isSecret }: NamedFile): Promise<readonly Finding[]> {
  const { name } = secretFiles;
  let mode: number;
  let folder: number;
  try {
    ({ mode } = await stat(path));
    ({ mode: folder } = await stat(dirname(resolve(path))));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return [
      warn(name, `${label} ${path} cannot be checked (${code})`, 'correct the path, or run as the coordinator does'),
    ];
  }
  if ((mode & OTHERS_WRITE) !== 0) return [fail(name, `every user may change ${label} ${path}`, `chmod o-w ${path}`)];
  if (isSecret && (mode & OTHERS_READ) !== 0)
    return [fail(name, `every user may read ${label} ${path}`, `chmod 600 ${path}, or 640 for a group`)];
  if ((folder & OTHERS_WRITE) !== 0 && (folder & IS_STICKY) === 0)
    return [fail(name, `every user may replace ${label} ${path}`, `chmod o-w ${dirname(resolve(path))}`)];
  if ((mode & GROUP_WRITES) !== 0)
    return [warn(name, `the group of ${label} ${path} may change it`, `chmod g-w ${path}`)];
  return [];
}

export const bootstrapToken: HardeningItem = {
  name: 'bootstrap token',
  isVisible: true,
  check({ config, coordinator, nowMs }) {
    const { name } = bootstrapToken;
    const { bootstrapTokenFile: path } = config;
    const tokens = typeof coordinator === 'object' ? coordinator.tokens : undefined;
    const isValid = tokens?.some(
      ({ id, revokedAtMs, expiresAtMs }) =>
        id === 'bootstrap' && revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs),
    );
    const revoke = 'create an admin token for each operator, then "holdfast token revoke bootstrap"';
    if (isValid === true) return [warn(name, 'the bootstrap token is still valid', revoke)];
    if (path === '' && isValid === undefined && coordinator !== undefined) {
      const found = typeof coordinator === 'string' ? coordinator : 'the tokens cannot be listed';
      return [skip(name, found, 'specify --server, and a token with the role admin')];
    }
    if (path === '') return [ok(name, isValid === undefined ? 'no file on this machine' : 'revoked, or never created')];
    const fix = 'once the store has its first tokens, remove the file and --bootstrap-token-file';
    return [warn(name, `${path} still contains the first admin token`, fix)];
  },
};
