import { randomBytes } from 'node:crypto';
import {
  CallSigner,
  MAX_SIGNING_KEYS,
  parseSigningKeys,
  type SigningKey,
  SigningKeyError,
} from '@holdfast/protocol/signing';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import { FileFault } from '../secrets/file-fault.ts';
import type { WatchedFiles } from '../secrets/watched-files.ts';

/**
 * The signer with the keys in the files of `signingKeyFile`, which follows their changes; undefined
 * if calls are not signed. Throws `ConfigError`.
 */
export async function callSignerOf(
  { signingKeyFile: paths }: ServerConfig,
  files: WatchedFiles,
  log: Log,
): Promise<CallSigner | undefined> {
  if (paths.length === 0) return undefined;
  const options = paths.map((path) => ({ option: 'signingKeyFile', path, isSecret: true }) as const);
  const keys = await files.watchAll(options, keysIn);
  const signer = new CallSigner(() => keys.value, randomBytes(12).toString('base64url'), Date.now);
  const announce = (): void => {
    const versions = keys.value.map(({ version }) => version);
    log.info({ versions, publicKeys: signer.publicKeys }, 'calls of branches and webhooks are signed');
  };
  keys.onChange(announce);
  announce();
  return signer;
}

/** The keys of all files, in their order. */
function keysIn(contents: readonly Buffer[]): readonly SigningKey[] {
  const keys = contents.flatMap((content, at) => {
    try {
      return parseSigningKeys(content.toString());
    } catch (error) {
      throw error instanceof SigningKeyError ? new FileFault(error.message, at) : error;
    }
  });
  if (keys.length > MAX_SIGNING_KEYS)
    throw new FileFault(`there are more than ${MAX_SIGNING_KEYS} keys in all files`, contents.length - 1);
  return keys;
}
