import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import type { WatchedFiles } from '../secrets/watched-files.ts';
import { readAuthorities } from '../tls/certificate.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { oidcSettingsOf } from './oidc-settings.ts';
import { JwtVerifier } from './verify-jwt.ts';

/** What JWTs are verified with. */
export interface Oidc {
  readonly keys: IssuerKeys;
  readonly verifier: JwtVerifier;
}

/**
 * Prepares the verification of JWTs; nothing is fetched yet. Resolves to undefined without an
 * issuer. Throws `ConfigError`.
 */
export async function prepareOidc(
  config: ServerConfig,
  { files, log }: { readonly files: WatchedFiles; readonly log: Log },
): Promise<Oidc | undefined> {
  const settings = oidcSettingsOf(config);
  if (settings === undefined) return undefined;
  const path = config.oidcCaFile;
  const ca =
    path === '' ? undefined : await files.watch({ option: 'oidcCaFile', path }, (bytes) => readAuthorities(bytes));
  const jose = await import('jose');
  const { issuer, jwksUrl } = settings;
  const keys = new IssuerKeys({
    issuer,
    jwksUrl,
    ca: () => ca?.value,
    importKey: (jwk, algorithm) => jose.importJWK(jwk, algorithm),
    log,
  });
  return { keys, verifier: new JwtVerifier(jose, settings, keys) };
}
