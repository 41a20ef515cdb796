import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { hintFor, withoutSecrets } from '@holdfast/protocol';
import { ConfigError } from './config-error.ts';
import { type DtmNote, type DtmSources, withDtmSettings } from './dtm/dtm-config.ts';
import { isServiceLink, refuseMisspelled } from './environment.ts';
import { pathOfFileValue } from '../secrets/file-value.ts';
import { secretOption } from '../secrets/secret-option.ts';
import { configWith } from './config-with.ts';
import { placeOfFault } from './fault-place.ts';
import { flag } from './kinds.ts';
import {
  flagOf,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type OptionSpec,
  type ServerConfig,
  variableOf,
} from './options.ts';

export interface ConfigSources {
  /** From the command line, by option name; undefined: not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of a YAML or JSON file; `HOLDFAST_CONFIG` by default. */
  readonly file?: string;
  /** Receives a line for each setting of dtm (`--dtm-config`, `--dtm-env`). */
  readonly onDtmNote?: (note: DtmNote) => void;
}

/**
 * Precedence, highest first: command line, environment, config file, the configuration of dtm
 * (`--dtm-config`, `--dtm-env`), default. Throws `ConfigError`.
 */
export async function loadConfig(sources: ConfigSources): Promise<ServerConfig> {
  return withFileValues(await givenConfig(sources));
}

/** The configuration as given: `file:PATH` of `--store` is not replaced yet. */
export async function givenConfig({ flags = {}, env = {}, file, onDtmNote }: ConfigSources): Promise<ServerConfig> {
  const path = file ?? env['HOLDFAST_CONFIG'];
  refuseMisspelled(env);
  const fromFile = path === undefined || path === '' ? {} : await readConfigFile(path);
  const places = new Map<OptionName, string>();
  const given = Object.fromEntries(
    OPTION_NAMES.flatMap((name) => {
      const found = (raw: unknown, place: string): [OptionName, unknown][] => {
        places.set(name, place);
        return [[name, read(name, raw, place)]];
      };
      const variable = variableOf(name);
      if (flags[name] !== undefined) return found(flags[name], flagOf(name));
      if (isSet(variable, env)) return found(env[variable], variable);
      return fromFile[name] === undefined ? [] : found(fromFile[name], `${name} in ${path}`);
    }),
  ) as Partial<ServerConfig>;
  const dtm = dtmSourcesOf(flags, env);
  return dtm === undefined ? configWith(given) : withDtmSettings(given, places, dtm, onDtmNote);
}

/** Whether a source states any option; otherwise all options have their defaults. */
export const statesConfig = ({ flags = {}, env = {}, file }: ConfigSources): boolean =>
  (file ?? env['HOLDFAST_CONFIG'] ?? '') !== '' ||
  dtmSourcesOf(flags, env) !== undefined ||
  OPTION_NAMES.some((name) => flags[name] !== undefined || isSet(variableOf(name), env));

function isSet(variable: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const value = env[variable] ?? '';
  return value !== '' && !isServiceLink(variable, value);
}

/** Replaces `file:PATH` of `--store` by the text of the file. Throws `ConfigError`. */
export async function withFileValues(config: ServerConfig): Promise<ServerConfig> {
  if (pathOfFileValue(config.store) === undefined) return config;
  // Checked again: rules depend on the kind of store.
  return configWith({ ...config, store: await secretOption(flagOf('store'), config.store) });
}

/** Which configuration of dtm is to be used; undefined: none. */
function dtmSourcesOf(
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): DtmSources | undefined {
  const named = flags['dtmConfig'] ?? env['HOLDFAST_DTM_CONFIG'];
  const file = typeof named === 'string' ? named : '';
  const given = flags['dtmEnv'] ?? env['HOLDFAST_DTM_ENV'] ?? '';
  const usesEnv = given === '' ? false : flag.read(given);
  if (usesEnv === undefined)
    throw new ConfigError(`HOLDFAST_DTM_ENV: must be ${flag.expects}, not ${JSON.stringify(given)}`);
  if (file === '' && !usesEnv) return undefined;
  return { ...(file !== '' && { file }), ...(usesEnv && { env }) };
}

function read(name: OptionName, raw: unknown, where: string): unknown {
  const { kind } = OPTIONS[name] as OptionSpec<unknown>;
  const value = kind.read(raw);
  if (value === undefined)
    throw new ConfigError(`${where}: must be ${kind.expects}, not ${withoutSecrets(JSON.stringify(raw))}`);
  return value;
}

async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ConfigError(`the config file ${path} cannot be read: ${(error as Error).message}`);
  });
  if (!isUtf8(bytes)) throw new ConfigError(`the config file ${path} is not UTF-8; save it as UTF-8`);
  const text = bytes.toString();
  // The YAML library is loaded only if there is a config file. JSON is a subset of YAML.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new ConfigError(`the config file ${path} is neither YAML nor JSON${placeOfFault(error)}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(`the config file ${path} must be a map of options`);
  for (const key of Object.keys(value)) refuseUnknown(key, path);
  return value as Record<string, unknown>;
}

function refuseUnknown(key: string, path: string): void {
  if (Object.hasOwn(OPTIONS, key)) return;
  throw new ConfigError(`${withoutSecrets(key)} in ${path} is not an option; ${hintFor(key, OPTION_NAMES)}`);
}
