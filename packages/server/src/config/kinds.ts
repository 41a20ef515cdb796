import { pathOfFileValue } from '../secrets/file-value.ts';

/** The files or folders that the value of an option names. */
export interface NamedFiles<T> {
  /**
   * What they contain: secrets, which other users must not read, or rules and certificates, which
   * other users must not change.
   */
  readonly content: 'secrets' | 'rules';
  readonly isFolder: boolean;
  /** Whether they are read again when they change. */
  readonly isReloaded: boolean;
  pathsIn(value: T): readonly string[];
}

/** A kind of option: how its value is read and displayed. */
export interface Kind<T> {
  /** Description of valid values, for help and errors. */
  readonly expects: string;
  /**
   * Parses a text (command line, environment) or a value (config file); undefined if it is invalid.
   */
  read(raw: unknown): T | undefined;
  /** Formats a value as a user would write it. */
  show(value: T): string;
  /** Only of kinds whose values name files. */
  readonly names?: NamedFiles<T>;
}

const numberOf = (raw: unknown): number | undefined => {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) && raw >= 0 ? raw : undefined;
  return typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : undefined;
};

export const text: Kind<string> = {
  expects: 'a text',
  read: (raw) => (typeof raw === 'string' ? raw : undefined),
  show: (value) => value,
};

const pathIn = (value: string): readonly string[] => (value === '' ? [] : [value]);

/** A text that may contain a secret, or `file:` and the path of the file that contains it. */
export const secret: Kind<string> = {
  ...text,
  expects: 'a text, or file: and the path of a file with it',
  names: {
    content: 'secrets',
    isFolder: false,
    isReloaded: true,
    pathsIn: (value) => pathIn(pathOfFileValue(value) ?? ''),
  },
};

/** The path of a file with rules or certificates that is read again when it changes. */
export const file: Kind<string> = {
  ...text,
  expects: 'the path of a file',
  names: { content: 'rules', isFolder: false, isReloaded: true, pathsIn: pathIn },
};

/** The path of a file with a secret that is read again when it changes. */
export const secretFile: Kind<string> = {
  ...file,
  names: { content: 'secrets', isFolder: false, isReloaded: true, pathsIn: pathIn },
};

/** The path of a file with a secret that only the first start reads. */
export const firstSecretFile: Kind<string> = {
  ...file,
  names: { content: 'secrets', isFolder: false, isReloaded: false, pathsIn: pathIn },
};

/** The path of a folder with secrets that is read again when its files change. */
export const secretFolder: Kind<string> = {
  ...text,
  expects: 'the path of a folder',
  names: { content: 'secrets', isFolder: true, isReloaded: true, pathsIn: pathIn },
};

export const count: Kind<number> = {
  expects: 'a whole number',
  read: numberOf,
  show: String,
};

export const port: Kind<number> = {
  expects: 'a port, 0 to 65535',
  read: (raw) => {
    const value = numberOf(raw);
    return value !== undefined && value <= 65_535 ? value : undefined;
  },
  show: String,
};

export const flag: Kind<boolean> = {
  expects: 'true or false',
  read: (raw) => {
    if (typeof raw === 'boolean') return raw;
    if (raw === 'true' || raw === '1') return true;
    return raw === 'false' || raw === '0' ? false : undefined;
  },
  show: String,
};

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** In milliseconds. */
export const duration: Kind<number> = {
  expects: 'a time such as 500ms, 10s, 5m, 2h, 7d, or plain milliseconds',
  read: (raw) => {
    const plain = numberOf(raw);
    if (plain !== undefined) return plain;
    const [, digits = '', unit = ''] = (typeof raw === 'string' && /^(\d{1,15})\s?(ms|s|m|h|d)$/.exec(raw)) || [];
    const factor = UNITS_MS[unit];
    return factor === undefined ? undefined : Number(digits) * factor;
  },
  show: (ms) => {
    const [unit, factor] = Object.entries(UNITS_MS).findLast(([, each]) => ms > 0 && ms % each === 0) ?? ['ms', 1];
    return `${ms / factor}${unit}`;
  },
};

const UNITS_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

export const bytes: Kind<number> = {
  expects: 'a size such as 512KiB, 4MiB, or plain bytes',
  read: (raw) => {
    const plain = numberOf(raw);
    if (plain !== undefined) return plain;
    const [, digits = '', unit = ''] = (typeof raw === 'string' && /^(\d{1,15})\s?(B|KiB|MiB|GiB)$/.exec(raw)) || [];
    const factor = UNITS_BYTES[unit];
    return factor === undefined ? undefined : Number(digits) * factor;
  },
  show: (value) => {
    const [unit, factor] = Object.entries(UNITS_BYTES).findLast(([, each]) => value > 0 && value % each === 0) ?? [
      'B',
      1,
    ];
    return `${value / factor}${unit}`;
  },
};

/** A list of texts; in a single text they are separated by commas. */
export const list: Kind<readonly string[]> = {
  expects: 'names separated by commas',
  read: (raw) => {
    if (Array.isArray(raw)) return raw.every((one) => typeof one === 'string') ? raw : undefined;
    if (typeof raw !== 'string') return undefined;
    return raw
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  },
  show: (values) => values.join(','),
};

/** The paths of files with secrets that are read again when they change. */
export const secretFiles: Kind<readonly string[]> = {
  ...list,
  expects: 'paths of files, separated by commas',
  names: { content: 'secrets', isFolder: false, isReloaded: true, pathsIn: (paths) => paths },
};

/** One of the given words. */
export const choice = <const Word extends string>(...words: readonly Word[]): Kind<Word> => ({
  expects: `one of ${words.join(', ')}`,
  read: (raw) => words.find((word) => word === raw),
  show: (word) => word,
});
