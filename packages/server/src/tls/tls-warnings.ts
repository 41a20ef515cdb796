import type { ServerConfig } from '../config/options.ts';
import { WatchedFiles } from '../secrets/watched-files.ts';
import { serverTls } from './server-tls.ts';

/**
 * What a server with this configuration would warn about in its certificate and key. Throws
 * `ConfigError` if it would not start.
 */
export async function tlsWarnings(config: ServerConfig): Promise<readonly string[]> {
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  const warn = (_fields: unknown, text: string): void => void warnings.push(text);
  const log = { debugs: false, debug: nothing, info: nothing, warn, error: warn };
  const files = new WatchedFiles({ log });
  try {
    await serverTls(config, { files, log, failed: nothing });
  } finally {
    files.close();
  }
  return warnings;
}
