import { createHash } from 'node:crypto';
import { flagOf, type OptionName } from '../config/options.ts';
import { FileFault, reasonOf } from './file-fault.ts';
import { isTooOpen, readBounded, signatureOf } from './read-file.ts';
import { folderSignature, readSecretsFolder, type SecretTable } from './secrets-folder.ts';

/** A file that an option names. */
export interface FileOption {
  readonly option: OptionName;
  readonly path: string;
  /** Its content is secret: permissions that are too open are a warning. */
  readonly isSecret?: boolean;
}

/** By which a content is compared with a later one. */
export interface Digest {
  readonly sha256: string;
  /** It must not be shown: a short secret could be guessed from it. */
  readonly isSecret: boolean;
}

export type Found<T> =
  | {
      readonly kind: 'value';
      readonly value: T;
      readonly warnings: readonly string[];
      readonly digests: readonly Digest[];
    }
  | { readonly kind: 'fault'; readonly message: string; readonly option: OptionName };

/** What is read and watched: files, or the files of a folder. */
export interface Source<T> {
  readonly option: OptionName;
  readonly paths: readonly string[];
  /** Differs when the contents do; never rejects. */
  signature(): Promise<string>;
  /** Never rejects. */
  load(): Promise<Found<T>>;
}

/** Files that together have a value. */
export const sourceOf = <T>(files: readonly FileOption[], read: (contents: readonly Buffer[]) => T): Source<T> => ({
  option: (files[0] as FileOption).option,
  paths: files.map(({ path }) => path),
  signature: () => signatureOfAll(files),
  load: () => load(files, read),
});

/** A folder of secrets. */
export const secretsSource = (folder: FileOption): Source<SecretTable> => ({
  option: folder.option,
  paths: [folder.path],
  signature: () => folderSignature(folder.path),
  load: () =>
    readSecretsFolder(folder.path).then(
      ({ secrets, isTooOpen: open }): Found<SecretTable> => ({
        kind: 'value',
        value: secrets,
        warnings: open
          ? [`${nameOf(folder)}: other accounts may access secrets in it; chmod 600 (or 640) the files`]
          : [],
        digests: [digestOf(JSON.stringify([...secrets].map(([name, own]) => [name, [...own]])), true)],
      }),
      (error: unknown) => ({
        kind: 'fault',
        message: `${nameOf(folder)}: ${reasonOf(error)}`,
        option: folder.option,
      }),
    ),
});

/** Reads all files of a group; never rejects. */
async function load<T>(files: readonly FileOption[], read: (contents: readonly Buffer[]) => T): Promise<Found<T>> {
  const contents: Buffer[] = [];
  const warnings: string[] = [];
  const fault = (error: unknown, at: number): Found<T> => {
    const file = files[at] as FileOption;
    return { kind: 'fault', message: `${nameOf(file)}: ${reasonOf(error)}`, option: file.option };
  };
  for (const [at, file] of files.entries()) {
    try {
      const { bytes, mode } = await readBounded(file.path);
      contents.push(bytes);
      if (file.isSecret === true && isTooOpen(mode))
        warnings.push(`${nameOf(file)}: other accounts may access this secret; chmod 600 (or 640) it`);
    } catch (error) {
      return fault(error, at);
    }
  }
  try {
    const digests = contents.map((bytes, at) => digestOf(bytes, files[at]?.isSecret === true));
    return { kind: 'value', value: read(contents), warnings, digests };
  } catch (error) {
    return fault(error, error instanceof FileFault ? error.at : 0);
  }
}

const digestOf = (content: Buffer | string, isSecret: boolean): Digest => ({
  sha256: createHash('sha256').update(content).digest('hex'),
  isSecret,
});

const nameOf = ({ option, path }: FileOption): string => `${flagOf(option)} ${path}`;

const signatureOfAll = async (files: readonly FileOption[]): Promise<string> =>
  (await Promise.all(files.map(({ path }) => signatureOf(path)))).join('\n');
