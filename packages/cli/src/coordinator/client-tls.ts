import { readFile } from 'node:fs/promises';
import type { ClientTls } from '@holdfast/client';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from '../commands/command-error.ts';

/** The options that name the files of TLS towards a coordinator. */
export interface ClientTlsOptions {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

const OPTIONS = [
  [
    'caFile',
    '--ca-file',
    'HOLDFAST_CA_FILE',
    "authorities, PEM, that verify a coordinator with https, instead of the system's",
  ],
  ['certFile', '--cert-file', 'HOLDFAST_CERT_FILE', 'client certificate, PEM, for a coordinator that requests one'],
  ['keyFile', '--key-file', 'HOLDFAST_KEY_FILE', 'private key of --cert-file, PEM, not encrypted'],
] as const;

/** Adds `--ca-file`, `--cert-file` and `--key-file`. */
export function withTlsOptions(command: Command): Command {
  for (const [, flag, variable, help] of OPTIONS) command.addOption(new Option(`${flag} <file>`, help).env(variable));
  return command;
}

/** Reads the files; undefined without any. Throws `CommandError`. */
export async function readClientTls(options: ClientTlsOptions): Promise<ClientTls | undefined> {
  const read = async (name: keyof ClientTlsOptions): Promise<string | undefined> => {
    const path = options[name];
    if (path === undefined || path === '') return undefined;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      const flag = OPTIONS.find(([option]) => option === name)?.[1];
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      throw new CommandError(EXIT.usage, `${flag} ${path} cannot be read (${code})`, { cause: error });
    }
  };
  const [ca, cert, key] = await Promise.all([read('caFile'), read('certFile'), read('keyFile')]);
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined))
    throw new CommandError(EXIT.usage, '--cert-file and --key-file belong together: specify both, or neither');
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
