import { ConfigError } from '../config/config-error.ts';

/**
 * Throws `ConfigError` if Node's variable disables the verification of all certificates: any
 * server on the path could then pose as a branch or as the store.
 */
export function refuseUnverifiedTls(env: Readonly<Record<string, string | undefined>>): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new ConfigError(
    'NODE_TLS_REJECT_UNAUTHORIZED=0 disables the verification of certificates: unset it, and name your authority with --branch-tls-ca-file or in the URL of --store',
  );
}
