import { bootstrapTextOf } from '@holdfast/api';
import { HoldfastError } from '@holdfast/protocol';
import { ConfigError } from '../config/config-error.ts';
import { flagOf } from '../config/options.ts';
import { reasonOf } from '../secrets/file-fault.ts';
import { isTooOpen, readBounded } from '../secrets/read-file.ts';
import { secretText } from '../secrets/secret-text.ts';
import type { Log } from '../logs/log.ts';

const OPTION = 'bootstrapTokenFile';

/**
 * Reads the file of `bootstrapTokenFile`. The token is only used for a new store, so the file is
 * not watched. Throws `ConfigError`.
 */
export async function readBootstrapFile(path: string, log: Pick<Log, 'warn'>): Promise<string | undefined> {
  if (path === '') return undefined;
  try {
    const { bytes, mode } = await readBounded(path);
    if (isTooOpen(mode))
      log.warn({ path }, `other users may read or change the file of ${flagOf(OPTION)}; use chmod 600`);
    return bootstrapTextOf(secretText(bytes));
  } catch (error) {
    const reason = error instanceof HoldfastError ? `it ${error.message}` : reasonOf(error);
    throw new ConfigError(`${flagOf(OPTION)} ${path}: ${reason}`, OPTION);
  }
}
