import type { Logger } from '@holdfast/core';
import { ConfigError } from '../config/config-error.ts';
import type { SecretTable } from './secrets-folder.ts';
import type { OptionName } from '../config/options.ts';
import { type Digest, type FileOption, secretsSource, type Source, sourceOf } from './sources.ts';

export type { FileOption } from './sources.ts';

/**
 * The value that one file, or several files that belong together, contain. A reader takes it
 * each time: it changes with the files.
 */
export interface WatchedFile<T> {
  readonly value: T;
  /** Calls `listener` after each change of the value. */
  onChange(listener: (value: T) => void): void;
}

/** Files of an option whose content changed and is in use. */
export interface FileReload {
  readonly option: OptionName;
  readonly paths: readonly string[];
  /** The SHA-256 of each file, in hexadecimal digits; of a secret file only `secret`. */
  readonly before: readonly string[];
  readonly after: readonly string[];
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
  #onReload: ((reload: FileReload) => void) | undefined;

  constructor({ log, checkMs = CHECK_MS }: WatchedFilesOptions) {
    this.#log = log;
    this.#checkMs = checkMs;
  }

  /** Whether there is any file to reload. */
  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** Calls `listener` when another content of files is in use; one listener at a time. */
  onReload(listener: (reload: FileReload) => void): void {
    this.#onReload = listener;
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
    return this.#add(sourceOf(files, read));
  }

  /** Reads a folder of secrets and watches its files. Throws `ConfigError`. */
  watchFolder(folder: FileOption): Promise<WatchedFile<SecretTable>> {
    return this.#add(secretsSource(folder));
  }

  async #add<T>(source: Source<T>): Promise<WatchedFile<T>> {
    const group = await FileGroup.open(source, this.#log, (reload) => this.#onReload?.(reload));
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
  readonly #source: Source<T>;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #listeners: ((value: T) => void)[] = [];
  readonly #onReload: (reload: FileReload) => void;
  #signature: string;
  #value: T;
  /** Of the contents in use. */
  #digests: readonly Digest[];
  /** The fault of the present content; the second check in a row that finds it reports it. */
  #fault: { readonly text: string; isReported: boolean } | undefined;

  private constructor(
    source: Source<T>,
    log: Pick<Logger, 'info' | 'warn'>,
    onReload: (reload: FileReload) => void,
    first: { readonly value: T; readonly signature: string; readonly digests: readonly Digest[] },
  ) {
    this.#source = source;
    this.#log = log;
    this.#onReload = onReload;
    this.#value = first.value;
    this.#digests = first.digests;
    this.#signature = first.signature;
  }

  static async open<T>(
    source: Source<T>,
    log: Pick<Logger, 'info' | 'warn'>,
    onReload: (reload: FileReload) => void,
  ): Promise<FileGroup<T>> {
    const signature = await source.signature();
    const found = await source.load();
    if (found.kind === 'fault') throw new ConfigError(found.message, found.option);
    for (const warning of found.warnings) log.warn({}, warning);
    return new FileGroup(source, log, onReload, { ...found, signature });
  }

  get paths(): readonly string[] {
    return this.#source.paths;
  }

  get value(): T {
    return this.#value;
  }

  onChange(listener: (value: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Loads the files if they have changed, or if their last content had a fault. */
  async check(): Promise<void> {
    const signature = await this.#source.signature();
    const isPending = this.#fault?.isReported === false;
    if (signature === this.#signature && !isPending) return;
    // A file that is being written gets the time until the next check.
    await this.#load(signature, signature === this.#signature);
  }

  async reload(): Promise<void> {
    await this.#load(await this.#source.signature(), true);
  }

  async #load(signature: string, isFinal: boolean): Promise<void> {
    const found = await this.#source.load();
    const isChanged = signature !== this.#signature;
    // Taken before the content: a change in between is found by the next check.
    this.#signature = signature;
    if (found.kind === 'fault') return this.#failed(found.message, isFinal);
    if (isChanged) for (const warning of found.warnings) this.#log.warn({}, warning);
    const wasFaulty = this.#fault?.isReported === true;
    this.#fault = undefined;
    this.#value = found.value;
    for (const listener of this.#listeners) listener(found.value);
    this.#reportReload(found.digests);
    if (isChanged || wasFaulty) this.#log.info({ files: this.paths }, 'the changed files of an option are in use');
  }

  #reportReload(digests: readonly Digest[]): void {
    const before = this.#digests;
    this.#digests = digests;
    if (digests.every(({ sha256 }, at) => sha256 === before[at]?.sha256)) return;
    const shown = (each: readonly Digest[]) => each.map(({ sha256, isSecret }) => (isSecret ? 'secret' : sha256));
    this.#onReload({ option: this.#source.option, paths: this.paths, before: shown(before), after: shown(digests) });
  }

  #failed(text: string, isFinal: boolean): void {
    const isKnown = this.#fault?.text === text && this.#fault.isReported;
    this.#fault = { text, isReported: isKnown || isFinal };
    if (isFinal && !isKnown) this.#log.warn({}, `${text}; the previous content stays in use`);
  }
}
