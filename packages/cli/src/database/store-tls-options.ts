import type { StoreTls } from '@holdfast/core/store-kit';
import { ConfigError, flagOf, type OptionName, variableOf } from '@holdfast/server/config';
import { storeTlsOf } from '@holdfast/server/store';
import type { Command } from 'commander';
import { serverOptions } from '../serve/serve-command.ts';

/** TLS towards the store, as `serve` takes it. */
export type StoreTlsOptions = Partial<Parameters<typeof storeTlsOf>[0]>;

const NAMES = [
  'storeTlsCaFile',
  'storeTlsCertFile',
  'storeTlsKeyFile',
  'storeTlsServerName',
] as const satisfies readonly OptionName[];

/** Adds the options `--store-tls-…` of `serve`, with their variables. */
export function withStoreTlsOptions(command: Command): Command {
  const flags = new Set<string | undefined>(NAMES.map(flagOf));
  for (const option of serverOptions()) if (flags.has(option.long)) command.addOption(option);
  return command;
}

/** The values of these options, or of their variables. Throws `ConfigError` for half a pair. */
export function readStoreTls(
  options: StoreTlsOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): StoreTls {
  const [storeTlsCaFile, storeTlsCertFile, storeTlsKeyFile, storeTlsServerName] = NAMES.map(
    (name) => options[name] ?? env[variableOf(name)] ?? '',
  ) as [string, string, string, string];
  if ((storeTlsCertFile === '') !== (storeTlsKeyFile === ''))
    throw new ConfigError('--store-tls-cert-file and --store-tls-key-file belong together: specify both, or neither');
  return storeTlsOf({ storeTlsCaFile, storeTlsCertFile, storeTlsKeyFile, storeTlsServerName });
}
