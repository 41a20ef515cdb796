import { readFile } from 'node:fs/promises';
import { namespaceFault } from '@holdfast/protocol';
import { CommandError, EXIT } from '../commands/command-error.ts';
import type { Caller } from './coordinator-api.ts';

/** A longer file is not a token. */
const LONGEST_TOKEN = 16 * 1024;

/**
 * Who runs a command: the token of `--token-file`, otherwise of HOLDFAST_TOKEN (`file:PATH`: of the
 * file). There is no option
 * with a token, since every user of the machine can read the command lines of its processes.
 */
export async function callerOf(
  { tokenFile, namespace }: { readonly tokenFile?: string; readonly namespace?: string },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Caller> {
  const variable = env['HOLDFAST_TOKEN']?.trim();
  const path = tokenFile ?? (variable?.startsWith('file:') === true ? variable.slice('file:'.length) : undefined);
  const source =
    tokenFile !== undefined ? `--token-file ${tokenFile}` : `HOLDFAST_TOKEN${path === undefined ? '' : `=${variable}`}`;
  const token = path === undefined ? variable : await tokenIn(path, source);
  if (token !== undefined && token !== '' && !/^[\x21-\x7e]+$/.test(token))
    throw new CommandError(EXIT.usage, `${source} does not contain an API token: one line of letters, digits and _`);
  const fault = namespace === undefined ? undefined : namespaceFault(namespace);
  if (fault !== undefined) throw new CommandError(EXIT.usage, `--namespace ${fault}`);
  return { ...(token !== undefined && token !== '' && { token }), ...(namespace !== undefined && { namespace }) };
}

async function tokenIn(path: string, source: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
    throw new CommandError(EXIT.usage, `${source}: ${code}`, { cause: error });
  }
  if (text !== '' && text.length <= LONGEST_TOKEN) return text;
  throw new CommandError(EXIT.usage, `${source} does not contain an API token`);
}
