import { allows, type Authenticator, hasAllNamespaces } from '@holdfast/api';
import { HoldfastError } from '@holdfast/protocol';
import type { ServerConfig } from '../config/options.ts';
import type { WatchedFile, WatchedFiles } from '../secrets/watched-files.ts';
import { type CertificateRule, readCertificateRules } from './certificate-principals.ts';

/** The entries of `--tls-principals`; undefined without the option. Throws `ConfigError`. */
export async function certificateRules(
  { tlsPrincipals: path }: Pick<ServerConfig, 'tlsPrincipals'>,
  files: Pick<WatchedFiles, 'watch'>,
): Promise<CertificateRules | undefined> {
  if (path === '') return undefined;
  const { parse } = await import('yaml');
  return files.watch({ option: 'tlsPrincipals', path }, (bytes) => readCertificateRules(bytes, parse));
}

/** Whether an entry is that of an administrator of all namespaces. */
export const hasAdmin = (rules: CertificateRules | undefined): boolean =>
  rules?.value.some(({ principal }) => allows(principal, 'admin') && hasAllNamespaces(principal)) === true;

type CertificateRules = WatchedFile<readonly CertificateRule[]>;

/**
 * Determines callers by their client certificates, and otherwise by `next`. A caller that presents
 * `Authorization` is left to `next`, if there is one: what it states for this request takes
 * precedence over its connection. Returns `next` without rules.
 */
export function withCertificates(
  rules: CertificateRules | undefined,
  next: Authenticator | undefined,
): Authenticator | undefined {
  if (rules === undefined) return next;
  return {
    authenticate(credentials) {
      const { clientCertificate, authorization } = credentials;
      if (next !== undefined && (authorization !== undefined || clientCertificate === undefined))
        return next.authenticate(credentials);
      if (clientCertificate === undefined)
        throw new HoldfastError('unauthenticated', 'a client certificate is required');
      const found = rules.value.find(({ matches }) => matches(clientCertificate));
      if (found !== undefined) return found.principal;
      throw new HoldfastError('unauthenticated', 'the client certificate belongs to no principal of --tls-principals');
    },
  };
}
