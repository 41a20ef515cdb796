import { basename } from 'node:path';
import { placeOfUrl, withoutSecrets } from '@holdfast/protocol';
import { ConfigError } from '../config-error.ts';
import { configWith } from '../config-with.ts';
import { isLoopback } from '../../http/known-hosts.ts';
import { flagOf, type OptionName, OPTIONS, type OptionSpec, type ServerConfig } from '../options.ts';
import { readDtmEnvironment, unknownDtmVariables } from './dtm-environment.ts';
import { readDtmFile } from './dtm-file.ts';
import { DTM_KEYS, type DtmKey, dtmVariableOf, type Unit } from './dtm-keys.ts';
import { kindOfStore, type StoreSettings, storeUrlOf } from './dtm-store.ts';

/** dtm's file, and the environment if dtm's variables are to be used. At least one of them. */
export interface DtmSources {
  readonly file?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A line for the log: what a setting of dtm became, or why it has no effect. */
export interface DtmNote {
  readonly text: string;
  /** Whether the effect that the setting has in dtm is missing. */
  readonly warning: boolean;
}

/**
 * The configuration from the options given by Holdfast's names and, for the others, from dtm's
 * settings.
 * @param own the options given by Holdfast's names
 * @param places where each of them was given
 * @throws {ConfigError} naming the setting
 */
export async function withDtmSettings(
  own: Partial<ServerConfig>,
  places: ReadonlyMap<OptionName, string>,
  sources: DtmSources,
  onNote: (note: DtmNote) => void = () => undefined,
): Promise<ServerConfig> {
  const given = await GivenSettings.read(sources);
  const reader = new DtmReader(given, places);
  for (const key of DTM_KEYS) if (given.value(key.path) !== undefined) reader.add(key);
  const { origins } = reader;
  const values = reader.values as Partial<ServerConfig>;
  let config: ServerConfig;
  try {
    config = configWith({ ...values, ...own });
  } catch (error) {
    throw namingDtm(error, origins);
  }
  const notes = [...given.notes, ...reader.notes];
  if (isLoopback(config.host) && own.host === undefined)
    notes.push({
      text: `dtm listens on every address, Holdfast on ${config.host}: to be reached from other machines, it needs --host and --auth, or --insecure`,
      warning: true,
    });
  notes.forEach(onNote);
  return config;
}

/** Adds dtm's name to an error about an option that was derived from it. */
function namingDtm(error: unknown, origins: ReadonlyMap<OptionName, string>): unknown {
  if (!(error instanceof ConfigError)) return error;
  const place = origins.get(error.option as OptionName);
  return place === undefined ? error : new ConfigError(`${place}: ${error.message}`, error.option);
}

/** The settings from both sources. dtm reads the environment first, then the file over it. */
class GivenSettings implements StoreSettings {
  readonly notes: readonly DtmNote[];
  readonly #file: ReadonlyMap<string, string>;
  readonly #env: ReadonlyMap<string, string>;
  readonly #fileName: string;

  private constructor(
    file: ReadonlyMap<string, string>,
    env: ReadonlyMap<string, string>,
    fileName: string,
    warnings: readonly string[],
  ) {
    this.#file = file;
    this.#env = env;
    this.#fileName = fileName;
    const covered = [...env.keys()].filter((path) => file.has(path));
    this.notes = [
      ...warnings.map((text) => ({ text, warning: true })),
      ...covered.map((path) => ({
        text: `${dtmVariableOf(path)} is ignored: ${path} in ${fileName} takes precedence, as in dtm`,
        warning: false,
      })),
    ];
  }

  static async read({ file, env }: DtmSources): Promise<GivenSettings> {
    const read = file === undefined ? undefined : await readDtmFile(file);
    return new GivenSettings(
      read?.values ?? new Map(),
      env === undefined ? new Map() : readDtmEnvironment(env),
      file === undefined ? '' : basename(file),
      [...(read?.warnings ?? []), ...(env === undefined ? [] : unknownDtmVariables(env))],
    );
  }

  value(path: string): string | undefined {
    return this.#file.get(path) ?? this.#env.get(path);
  }

  place(path: string): string {
    return this.#file.has(path) || !this.#env.has(path) ? `${path} in ${this.#fileName}` : dtmVariableOf(path);
  }
}

/** Converts settings one by one, each with its note. */
class DtmReader {
  readonly values: { [Name in OptionName]?: unknown } = {};
  /** The setting that an option was derived from. */
  readonly origins = new Map<OptionName, string>();
  readonly notes: DtmNote[] = [];
  readonly #given: GivenSettings;
  readonly #places: ReadonlyMap<OptionName, string>;

  constructor(given: GivenSettings, places: ReadonlyMap<OptionName, string>) {
    this.#given = given;
    this.#places = places;
  }

  add(key: DtmKey): void {
    const value = this.#given.value(key.path) ?? '';
    switch (key.kind) {
      case 'option':
        return this.#set(key.path, key.option, parsed(key.unit, value, this.#given.place(key.path)), value);
      case 'retention':
        return this.#retention(key.path, parsed('seconds', value, this.#given.place(key.path)), value);
      case 'store':
        if (key.isNumber) parsed('port', value, this.#given.place(key.path));
        return this.#store(key.path, value);
      case 'ignored':
        if (key.isNumber) parsed('count', value, this.#given.place(key.path));
        return this.#ignore(key.path, key.why, key.warns ?? false);
    }
  }

  #set(path: string, option: OptionName, value: unknown, written: string): void {
    if (this.#isOverridden(path, option)) return;
    const place = this.#given.place(path);
    this.values[option] = value;
    this.origins.set(option, place);
    const shown = (OPTIONS[option] as OptionSpec<unknown>).kind.show(value);
    const [from, to] = [withoutSecrets(written), withoutSecrets(shown)].map((text) => (text === '' ? '""' : text));
    this.#note(`${place}: ${from} becomes ${flagOf(option)} ${to}`);
  }

  #isOverridden(path: string, option: OptionName): boolean {
    const place = this.#places.get(option);
    if (place !== undefined) this.#ignore(path, `${place} is given`, false);
    return place !== undefined;
  }

  #ignore(path: string, why: string, warning: boolean): void {
    this.#note(`${this.#given.place(path)} is ignored: ${why}`, warning);
  }

  #note(text: string, warning = false): void {
    this.notes.push({ text, warning });
  }

  #store(path: string, value: string): void {
    if (this.#isOverridden(path, 'store')) return;
    const kind = kindOfStore(this.#given);
    const isKind = path === 'Store.Driver';
    if (kind === 'boltdb') {
      const why = 'without another Store.Driver, dtm uses boltdb';
      if (!isKind) return this.#ignore(path, why, path !== 'Store.RedisPrefix');
      const place = this.#given.place(path);
      return this.#note(
        `${place}: boltdb becomes --store ${OPTIONS.store.default}; the transactions in dtm.bolt are not read`,
      );
    }
    const unused = UNUSED[path];
    if (unused?.includes(kind)) return this.#ignore(path, `dtm does not use it with ${kind}`, false);
    if (!isKind) return this.#note(`${this.#given.place(path)} becomes part of --store`);
    const url = storeUrlOf(kind, this.#given);
    this.values.store = url;
    this.origins.set('store', this.#given.place(path));
    this.#note(`${this.#given.place(path)}: ${value} becomes --store ${placeOfUrl(url)}${new URL(url).search}`);
  }

  /** dtm deletes transactions only from Redis and BoltDB. */
  #retention(path: string, ms: unknown, value: string): void {
    const kind = kindOfStore(this.#given);
    const decides = { redis: 'Store.FinishedDataExpire', boltdb: 'Store.DataExpire', mysql: '', postgres: '' }[kind];
    if (path === decides) return this.#set(path, 'retention', ms, value);
    const why =
      kind === 'redis'
        ? 'a transaction that has not finished is kept until it has'
        : `dtm does not use it with ${kind}; see --retention`;
    this.#ignore(path, why, false);
  }
}

/** Settings of the store that some drivers do not use. */
const UNUSED: Readonly<Record<string, readonly string[]>> = {
  'Store.Db': ['redis'],
  'Store.Schema': ['redis', 'mysql'],
  'Store.RedisPrefix': ['mysql', 'postgres'],
};

const HIGHEST_PORT = 65_535;
const LEVELS = ['debug', 'info', 'warn', 'error'];

/** The value of an option from its text: milliseconds for seconds. Throws `ConfigError`. */
function parsed(unit: Unit, text: string, place: string): string | number {
  const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  const level = text.toLowerCase();
  const wrong = (expected: string): ConfigError =>
    new ConfigError(`${place}: must be ${expected}, not ${withoutSecrets(JSON.stringify(text))}`);
  switch (unit) {
    case 'seconds':
      if (!(number >= 1)) throw wrong('a whole number of seconds, at least 1');
      return number * 1000;
    case 'count':
      if (!(number >= 0)) throw wrong('a whole number');
      return number;
    case 'port':
      if (!(number <= HIGHEST_PORT)) throw wrong('a port, 0 to 65535');
      return number;
    case 'level':
      if (!LEVELS.includes(level)) throw wrong(`one of ${LEVELS.join(', ')}`);
      return level;
    case 'text':
      return text;
  }
}
