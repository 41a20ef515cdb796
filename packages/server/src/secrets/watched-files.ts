import type { Logger } from '@holdfast/core';
import { ConfigError } from '../config/config-error.ts';
import { flagOf, type OptionName } from '../config/options.ts';
import { FileFault, reasonOf } from './file-fault.ts';
import { isTooOpen, readBounded, signatureOf } from './read-file.ts';

/** A file that an option names. */
export interface FileOption {
  readonly option: OptionName;
  readonly path: string;
  /** Its content is secret: permissions that are too open are a warning. */
  readonly isSecret?: boolean;
}

/**
 * The value that one file, or several files that belong together, contain. A reader takes it
 * each time: it changes with the files.
 */
export interface WatchedFile<T> {
  readonly value: T;
  /** Calls `listener` after each change of the value. */
  onChange(listener: (value: T) => void): void;
}

export interface WatchedFilesOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How often the files are checked for changes; 2 s by default. */
  readonly checkMs?: number;
}

const CHECK_MS = 2_000;

/**
 * Files with secrets, certificates or rules. A file is read at the start, where a fault is an error
 * with one line, and again after each change and at `reload`, where a fault is one warning and the
 * last good value stays in use.
 *
 * Changes are found by comparing the status of the path, not by notifications: those miss files
 * behind symbolic links (how Kubernetes replaces a mounted secret) and on network file systems.
 */
export class WatchedFiles {
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #groups: Reloadable[] = [];
  readonly #checkMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Checks follow each other, so that an older content cannot replace a newer one. */
  #checking: Promise<void> = Promise.resolve();
  #isChecking = false;

  constructor({ log, checkMs = CHECK_MS }: WatchedFilesOptions) {
    this.#log = log;
    this.#checkMs = checkMs;
  }

  /** Whether there is any file to reload. */
  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /**
   * Reads a file and watches it. `read` turns the content into the value, or throws `FileFault`.
   * Throws `ConfigError`, which names the option, the path and the fault.
   */
  watch<T>(file: FileOption, read: (bytes: Buffer) => T): Promise<WatchedFile<T>> {
    return this.watchAll([file], ([bytes]) => read(bytes as Buffer));
  }

  /**
   * The same for files that only together have a value, such as a certificate and its key: the
   * value changes when all of them can be used together.
   */
  async watchAll<T>(files: readonly FileOption[], read: (contents: readonly Buffer[]) => T): Promise<WatchedFile<T>> {
    const group = await FileGroup.open(files, read, this.#log);
    this.#groups.push(group);
    this.#timer ??= setInterval(() => this.#onTime(), this.#checkMs).unref();
    return group;
  }

  /** Reads all files again, changed or not; resolves when the new values are in use. */
  reload(): Promise<void> {
    return this.#enqueue(async () => {
      for (const group of this.#groups) await group.reload();
      this.#log.info({ files: this.#groups.flatMap(({ paths }) => paths) }, 'files of options were read again');
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #onTime(): void {
    // The file system may respond slowly.
    if (this.#isChecking) return;
    this.#isChecking = true;
    void this.#enqueue(async () => {
      for (const group of this.#groups) await group.check();
    }).finally(() => (this.#isChecking = false));
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    return (this.#checking = this.#checking.then(work));
  }
}

/** What the timer and `reload` need of a group. */
type Reloadable = Pick<FileGroup<unknown>, 'paths' | 'check' | 'reload'>;

/** Files with one value. Owns the value, and which fault was reported last. */
class FileGroup<T> implements WatchedFile<T> {
  readonly #files: readonly FileOption[];
  readonly #read: (contents: readonly Buffer[]) => T;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #listeners: ((value: T) => void)[] = [];
  #signature: string;
  #value: T;
  /** The fault of the present content; the second check in a row that finds it reports it. */
  #fault: { readonly text: string; isReported: boolean } | undefined;

  private constructor(
    files: readonly FileOption[],
    read: (contents: readonly Buffer[]) => T,
    log: Pick<Logger, 'info' | 'warn'>,
    first: { readonly value: T; readonly signature: string },
  ) {
    this.#files = files;
    this.#read = read;
    this.#log = log;
    this.#value = first.value;
    this.#signature = first.signature;
  }

  static async open<T>(
    files: readonly FileOption[],
    read: (contents: readonly Buffer[]) => T,
    log: Pick<Logger, 'info' | 'warn'>,
  ): Promise<FileGroup<T>> {
    const signature = await signatureOfAll(files);
    const found = await load(files, read);
    if (found.kind === 'fault') throw new ConfigError(found.message, found.option);
    for (const warning of found.warnings) log.warn({}, warning);
    return new FileGroup(files, read, log, { value: found.value, signature });
  }

  get paths(): readonly string[] {
    return this.#files.map(({ path }) => path);
  }

  get value(): T {
    return this.#value;
  }

  onChange(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Loads the files if they have changed, or if their last content had a fault. */
  async check(): Promise<void> {
    const signature = await signatureOfAll(this.#files);
    const isPending = this.#fault?.isReported === false;
    if (signature === this.#signature && !isPending) return;
    // A file that is being written gets the time until the next check.
    await this.#load(signature, signature === this.#signature);
  }

  async reload(): Promise<void> {
    await this.#load(await signatureOfAll(this.#files), true);
  }

  async #load(signature: string, isFinal: boolean): Promise<void> {
    const found = await load(this.#files, this.#read);
    const isChanged = signature !== this.#signature;
    // Taken before the content: a change in between is found by the next check.
    this.#signature = signature;
    if (found.kind === 'fault') return this.#failed(found.message, isFinal);
    if (isChanged) for (const warning of found.warnings) this.#log.warn({}, warning);
    const wasFaulty = this.#fault?.isReported === true;
    this.#fault = undefined;
    this.#value = found.value;
    for (const listener of this.#listeners) listener(found.value);
    if (isChanged || wasFaulty) this.#log.info({ files: this.paths }, 'the changed files of an option are in use');
  }

  #failed(text: string, isFinal: boolean): void {
    const isKnown = this.#fault?.text === text && this.#fault.isReported;
    this.#fault = { text, isReported: isKnown || isFinal };
    if (isFinal && !isKnown) this.#log.warn({}, `${text}; the previous content stays in use`);
  }
}

type Found<T> =
  | { readonly kind: 'value'; readonly value: T; readonly warnings: readonly string[] }
  | { readonly kind: 'fault'; readonly message: string; readonly option: OptionName };

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
    return { kind: 'value', value: read(contents), warnings };
  } catch (error) {
    return fault(error, error instanceof FileFault ? error.at : 0);
  }
}

const nameOf = ({ option, path }: FileOption): string => `${flagOf(option)} ${path}`;

const signatureOfAll = async (files: readonly FileOption[]): Promise<string> =>
  (await Promise.all(files.map(({ path }) => signatureOf(path)))).join('\n');
