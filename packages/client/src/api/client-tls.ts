import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { haveCertificates, requireKnownNames } from '@holdfast/protocol';
import type { ClientTls } from '../options.ts';

const NAMES = ['ca', 'cert', 'key', 'serverName'];

/**
 * Checks TLS options.
 *
 * @throws {TypeError} the URL has no TLS, a name is unknown, or a text is not the PEM that it must
 *   be. The message contains no part of the key.
 */
export function refuseWithoutTls(tls: ClientTls | undefined, isSecure: boolean): void {
  if (tls === undefined) return;
  requireKnownNames(tls, NAMES, 'connect(), tls');
  if (!isSecure) throw new TypeError("connect(): tls needs a coordinator's URL with https:// or grpcs://");
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new TypeError('connect(): tls must have both cert and key, or neither');
  if (tls.ca !== undefined && !haveCertificates(tls.ca))
    throw new TypeError('connect(): tls.ca must have certificates in PEM form (BEGIN CERTIFICATE)');
  try {
    createSecureContext(pemOf(tls));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new TypeError(`connect(): tls is not valid PEM, or key does not belong to cert${code}`, { cause: error });
  }
}

const pemOf = ({ ca, cert, key }: ClientTls): SecureContextOptions => ({
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key }),
});

/** Options of `tls.connect`. No variable of the environment disables the verification. */
export const tlsOptionsOf = (
  tls: ClientTls = {},
): SecureContextOptions & { readonly rejectUnauthorized: true; readonly servername?: string } => ({
  ...pemOf(tls),
  minVersion: 'TLSv1.2',
  rejectUnauthorized: true,
  ...(tls.serverName !== undefined && { servername: tls.serverName }),
});
