import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { nearest, withoutSecrets } from '@holdfast/protocol';
import { ConfigError } from '../config-error.ts';
import { placeOfFault } from '../fault-place.ts';
import { DTM_GROUPS, DTM_KEYS } from './dtm-keys.ts';

/**
 * Longest file, and most aliases in it: an alias can name a part that contains aliases, and the
 * library compares each key of a map with all others.
 */
const LONGEST_FILE = 64 * 1024;
const MOST_ALIASES = 100;
/** Part of an unknown key that its warning shows, and most warnings. */
const LONGEST_KEY = 60;
const MOST_WARNINGS = 20;

/** The settings of a file of dtm, by path, as texts; and warnings about keys that dtm has not. */
export interface DtmFile {
  readonly values: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/**
 * Reads dtm's YAML file. A value is kept as it is written, so that a password of digits loses no
 * zeros. Throws `ConfigError`.
 */
export async function readDtmFile(path: string): Promise<DtmFile> {
  const name = basename(path);
  const top = mapOf(await parsed(path, await textOf(path)), 'the whole', name);
  const values = new Map<string, string>();
  const warnings: string[] = [];
  let unknown = 0;
  const add = (group: string, key: string, value: unknown): void => {
    const setting = group + key;
    if (group === '' && DTM_GROUPS.has(key)) {
      for (const [inner, each] of Object.entries(mapOf(value, setting, name))) add(`${setting}.`, inner, each);
      return;
    }
    if (!DTM_KEYS.some((each) => each.path === setting)) {
      unknown++;
      if (unknown <= MOST_WARNINGS) warnings.push(unknownKey(setting, name));
      return;
    }
    if (value === null || value === undefined) return;
    if (typeof value !== 'string') throw new ConfigError(`${setting} in ${name}: must be a single value`);
    values.set(setting, value);
  };
  for (const [key, value] of Object.entries(top)) add('', key, value);
  if (unknown > MOST_WARNINGS) warnings.push(`${unknown - MOST_WARNINGS} more keys in ${name} are unknown`);
  return { values, warnings };
}

async function textOf(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      // One byte more than is allowed, whatever the file claims as its size.
      const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST_FILE + 1), 0, LONGEST_FILE + 1, 0);
      if (bytesRead > LONGEST_FILE) throw new ConfigError(`dtm's file ${path} has more than ${LONGEST_FILE} bytes`);
      const bytes = buffer.subarray(0, bytesRead);
      if (!isUtf8(bytes)) throw new ConfigError(`dtm's file ${path} is not UTF-8; save it as UTF-8`);
      return bytes.toString();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`dtm's file ${path} cannot be read: ${(error as Error).message}`);
  }
}

async function parsed(path: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text, { schema: 'failsafe', customTags: ['null', 'merge'], maxAliasCount: MOST_ALIASES });
  } catch (error) {
    // The library's message may quote a line with a password.
    throw new ConfigError(`dtm's file ${path} is not YAML, or too nested${placeOfFault(error)}`);
  }
}

function mapOf(value: unknown, what: string, file: string): Readonly<Record<string, unknown>> {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(`${what} in ${file}: must be a map of settings`);
  return value as Record<string, unknown>;
}

function unknownKey(setting: string, file: string): string {
  const meant = nearest(
    setting,
    DTM_KEYS.map((each) => each.path),
  );
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${withoutSecrets(setting.slice(0, LONGEST_KEY))} in ${file} is ignored: dtm has no such setting${hint}`;
}
