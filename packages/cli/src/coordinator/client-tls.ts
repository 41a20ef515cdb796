import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ClientTls } from '@holdfast/client';
import { haveCertificates } from '@holdfast/protocol';
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

/**
 * Reads the files; undefined without any. Throws `CommandError` that names the options, also if
 * `server` has no TLS.
 */
export async function readClientTls(options: ClientTlsOptions, server = ''): Promise<ClientTls | undefined> {
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
  if (ca !== undefined && !haveCertificates(ca))
    throw new CommandError(
      EXIT.usage,
      `--ca-file ${options.caFile} has no certificate in PEM form (BEGIN CERTIFICATE)`,
    );
  if (cert !== undefined) refuseUnlessPair(options, cert, key);
  if (/^http:/i.test(server)) {
    const flags = OPTIONS.flatMap(([name, flag]) => (options[name] === undefined ? [] : [flag])).join(', ');
    const fault = `${flags} (or HOLDFAST_…) need an https:// URL of the coordinator, and --server has http://`;
    throw new CommandError(EXIT.usage, `${fault}: use https://, or leave the files out`);
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function refuseUnlessPair({ certFile, keyFile }: ClientTlsOptions, cert: string, key: string | undefined): void {
  try {
    createSecureContext({ cert, ...(key !== undefined && { key }) });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    const fault = `--cert-file ${certFile} or --key-file ${keyFile} is not valid PEM, or they do not belong together`;
    throw new CommandError(EXIT.usage, fault + code, { cause: error });
  }
}
