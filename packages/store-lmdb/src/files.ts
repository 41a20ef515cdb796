import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The files contain payloads, so only the user that the node runs as may read them. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const OF_OTHERS = 0o077;
const FIX = 'change its owner or its permissions, or name another folder';
const FILES = ['data.mdb', 'lock.mdb'];

/** Among the first bytes of every LMDB file, in the byte order of the machine. */
const MAGIC = Buffer.from(Uint32Array.of(0xbeefc0de).buffer);

/**
 * Creates the folder of a store if it is missing, and checks existing files, because lmdb
 * terminates the process if the path is not usable. Calls `onWarning` for files that other users
 * could read until now. Throws an error whose message states the problem and a fix.
 */
export function prepareFolder(path: string, onWarning: (text: string) => void): void {
  const folder = statOf(path);
  if (folder === undefined) makeFolder(path);
  else if (!folder.isDirectory()) throw new Error(`it is ${kindOf(folder)}, not a folder: name a folder`);
  assertUsable(path, 'this user may not write in it');
  for (const name of FILES) {
    const file = join(path, name);
    const found = statOf(file);
    if (found === undefined) continue;
    if (!found.isFile()) throw new Error(`its ${name} is ${kindOf(found)}, not a file of LMDB: move it away`);
    assertUsable(file, `this user may not write its ${name}`);
    if (name === 'data.mdb') refuseForeignFile(file);
    tighten(file, found, onWarning);
  }
}

function makeFolder(path: string): void {
  const parent = dirname(resolve(path));
  // A mistyped path must not become a new, empty store: only one level is created.
  if (statOf(parent)?.isDirectory() !== true)
    throw new Error(
      `the folder ${parent}, in which it would be made, does not exist: correct the path, or make that folder`,
    );
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new Error(`it cannot be made in ${parent} (${codeOf(error)}): ${FIX}`, { cause: error });
    // Another process was faster, or the name is a dangling link.
    if (statOf(path)?.isDirectory() !== true)
      throw new Error('it is a link that leads nowhere: remove it', { cause: error });
  }
}

function assertUsable(path: string, what: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new Error(`${what} (${codeOf(error)}): ${FIX}`, { cause: error });
  }
}

function refuseForeignFile(file: string): void {
  const start = Buffer.alloc(64);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, start);
  closeSync(descriptor);
  if (length > 0 && !start.includes(MAGIC)) throw new Error('its data.mdb is not an LMDB file');
}

function tighten(file: string, { mode }: Stats, onWarning: (text: string) => void): void {
  if ((mode & OF_OTHERS) === 0) return;
  try {
    chmodSync(file, FILE_MODE);
    onWarning(`${file} could be read by other users of this machine (mode ${octal(mode)}); it is 0600 from now on`);
  } catch (error) {
    onWarning(
      `${file} can be read by other users of this machine (mode ${octal(mode)}), and this user cannot change that (${codeOf(error)}): chmod 600 ${file}`,
    );
  }
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');

/** Undefined if the path does not exist. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    // ENOTDIR: a part of the path is a file.
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function kindOf(stats: Stats): string {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** Without `instanceof`: in Jest, errors of Node's modules belong to another realm. */
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
