import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { hintFor, withoutSecrets } from '@holdfast/protocol';
import { ConfigError } from './config-error.ts';
import { checkConfig } from './check-config.ts';
import { isServiceLink, refuseMisspelled } from './environment.ts';

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
}

/**
 * Precedence, highest first: command line, environment, config file, default. Throws `ConfigError`.
 */
export async function loadConfig({ flags = {}, env = {}, file }: ConfigSources): Promise<ServerConfig> {
  const path = file ?? env['HOLDFAST_CONFIG'];
  refuseMisspelled(env);
  const fromFile = path === undefined || path === '' ? {} : await readConfigFile(path);
  const given = Object.fromEntries(
    OPTION_NAMES.flatMap((name) => {
      const variable = variableOf(name);
      if (flags[name] !== undefined) return [[name, read(name, flags[name], flagOf(name))]];
      const set = env[variable];
      if (set !== undefined && set !== '' && !isServiceLink(variable, set)) return [[name, read(name, set, variable)]];
      if (fromFile[name] !== undefined) return [[name, read(name, fromFile[name], `${name} in ${path}`)]];
      return [];
    }),
  ) as Partial<ServerConfig>;
  return configWith(given);
}

/** A configuration from parsed values; missing ones take their defaults. Throws `ConfigError`. */
export function configWith(values: Partial<ServerConfig>): ServerConfig {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default]));
  const config = { ...defaults, ...freePortsOf(values), ...values } as ServerConfig;
  checkConfig(config);
  return config;
}

/** A coordinator on any free HTTP port takes any free port for gRPC as well. */
const freePortsOf = ({ httpPort }: Partial<ServerConfig>): Partial<ServerConfig> =>
  httpPort === 0 ? { grpcPort: 0 } : {};

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

/**
 * The kind and position of a syntax error. The library's message quotes the line, which may contain
 * a password.
 */
function placeOfFault(error: unknown): string {
  if (!(error instanceof Error) || !('linePos' in error) || !('code' in error)) return '';
  const [at] = error.linePos as readonly [{ readonly line: number; readonly col: number }];
  const code = String(error.code);
  const hint =
    code === 'BLOCK_AS_IMPLICIT_KEY' ? ` (put a value that ends in a colon into quotes: store: "memory:")` : '';
  return `: ${code} at line ${at.line}, column ${at.col}${hint}`;
}

function refuseUnknown(key: string, path: string): void {
  if (Object.hasOwn(OPTIONS, key)) return;
  throw new ConfigError(`${withoutSecrets(key)} in ${path} is not an option; ${hintFor(key, OPTION_NAMES)}`);
}
