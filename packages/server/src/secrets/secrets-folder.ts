import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DEFAULT_NAMESPACE,
  namespaceFault,
  SECRET_LIMITS,
  secretNameFault,
  secretValueFault,
} from '@holdfast/protocol';
import { FileFault, reasonOf } from './file-fault.ts';
import { isTooOpen, readBounded, signatureOf } from './read-file.ts';
import { secretText } from './secret-text.ts';

/** Secrets by namespace and name. */
export type SecretTable = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The file of one secret. */
interface SecretFile {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

/**
 * The files in a folder of secrets: `NAME` of the namespace `default`, and `NAMESPACE/NAME`. Names
 * that begin with a dot are skipped: Kubernetes keeps the versions of a mounted secret in such
 * folders, and links to their files. Throws `FileFault`, or the error of the file system.
 */
export async function secretFilesIn(root: string): Promise<readonly SecretFile[]> {
  const found: SecretFile[] = [];
  for (const name of await namesIn(root)) {
    const path = join(root, name);
    if (!(await stat(path)).isDirectory()) {
      add(found, { namespace: DEFAULT_NAMESPACE, name, path });
      continue;
    }
    const fault = namespaceFault(name);
    if (fault !== undefined) throw new FileFault(`the name of a folder in it, ${JSON.stringify(name)}, ${fault}`);
    for (const inner of await namesIn(path)) add(found, { namespace: name, name: inner, path: join(path, inner) });
  }
  return found;
}

function add(found: SecretFile[], file: SecretFile): void {
  const fault = secretNameFault(file.name);
  if (fault !== undefined) throw new FileFault(`the name of a file in it, ${JSON.stringify(file.name)}, ${fault}`);
  if (found.length === SECRET_LIMITS.count) throw tooMany();
  found.push(file);
}

const tooMany = (): FileFault => new FileFault(`it contains more than ${SECRET_LIMITS.count} secrets`);

async function namesIn(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder)) {
    if (name.startsWith('.')) continue;
    if (names.push(name) > SECRET_LIMITS.count) throw tooMany();
  }
  return names.toSorted();
}

/** What distinguishes the contents of a folder from later ones, without reading the files. */
export async function folderSignature(root: string): Promise<string> {
  try {
    const files = await secretFilesIn(root);
    const signatures: string[] = [];
    for (const { path } of files) signatures.push(`${path} ${await signatureOf(path)}`);
    return signatures.join('\n');
  } catch (error) {
    return `fault ${reasonOf(error)}`;
  }
}

export interface FolderContent {
  readonly secrets: SecretTable;
  /** Whether accounts other than the owner and the group may access a file. */
  readonly isTooOpen: boolean;
}

/** Reads all secrets of a folder. Throws `FileFault`, or the error of the file system. */
export async function readSecretsFolder(root: string): Promise<FolderContent> {
  const secrets = new Map<string, Map<string, string>>();
  let open = false;
  for (const { namespace, name, path } of await secretFilesIn(root)) {
    const where = `the file ${JSON.stringify(namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`)} in it`;
    const own = secrets.get(namespace) ?? new Map<string, string>();
    secrets.set(namespace, own);
    if (own.has(name)) throw new FileFault(`${where} exists twice, also in the folder ${namespace}`);
    const { value, mode } = await readSecret(path, where);
    own.set(name, value);
    open ||= isTooOpen(mode);
  }
  return { secrets, isTooOpen: open };
}

async function readSecret(path: string, where: string): Promise<{ readonly value: string; readonly mode: number }> {
  try {
    const { bytes, mode } = await readBounded(path);
    const value = secretText(bytes);
    const fault = secretValueFault(value);
    if (fault !== undefined) throw new FileFault(fault);
    return { value, mode };
  } catch (error) {
    throw new FileFault(`${where} cannot be used: ${reasonOf(error)}`);
  }
}
