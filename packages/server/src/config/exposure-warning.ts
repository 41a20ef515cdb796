import { isLoopback } from '../http/known-hosts.ts';
import type { ServerConfig } from './options.ts';

/**
 * The warning about a server whose callers have tokens that other machines on the network could
 * read; undefined if there is nothing to warn about.
 */
export function exposureWarning({
  host,
  auth,
  tlsCertFile,
}: Pick<ServerConfig, 'host' | 'auth' | 'tlsCertFile'>): string | undefined {
  if (!auth || tlsCertFile !== '' || isLoopback(host)) return undefined;
  return (
    `--host ${host} without TLS: API tokens and payloads can be read on the network; ` +
    'specify --tls-cert-file and --tls-key-file, also behind a proxy that ends TLS'
  );
}
