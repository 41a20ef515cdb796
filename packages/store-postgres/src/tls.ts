import { StoreError } from '@holdfast/core/store';
import { identityCheck, type StoreTls, TlsFiles } from '@holdfast/core/store-kit';
import type { ClientConfig } from 'pg';

/** TLS of the connections to one store. */
export interface PostgresTls {
  /** The option `ssl` of a new connection; reads the files. Throws `StoreError` `invalid`. */
  ssl(): Promise<NonNullable<ClientConfig['ssl']>>;
}

const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];
const FILES = { sslrootcert: 'caFile', sslcert: 'certFile', sslkey: 'keyFile' } as const;
const PARAMETERS = ['ssl', 'sslmode', ...Object.keys(FILES)];

/**
 * TLS by the parameters of a URL (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`, as libpq has them)
 * and the options, which take precedence. Every mode except `disable` and `no-verify` requires TLS
 * with a certificate that is verified and issued for the host: libpq's weaker modes would accept
 * any server. Undefined if neither specifies TLS, or if `uselibpqcompat` leaves it to `pg`.
 */
export function tlsOf(
  parameters: URLSearchParams,
  options: StoreTls = {},
  onWarning: (text: string) => void = () => undefined,
): PostgresTls | undefined {
  if (parameters.has('uselibpqcompat')) return undefined;
  const mode = parameters.get('sslmode');
  if (mode !== null && !MODES.includes(mode))
    throw new StoreError('invalid', `sslmode of the store URL is one of ${MODES.join(', ')}`);
  const given: StoreTls = { ...filesOf(parameters), ...options };
  const hasOptions = Object.keys(given).length > 0;
  if (mode === 'disable') {
    if (hasOptions) throw new StoreError('invalid', 'sslmode=disable of the store URL contradicts its files for TLS');
    return undefined;
  }
  const ssl = parameters.get('ssl');
  if (mode === null && !hasOptions && ssl !== 'true' && ssl !== '1') return undefined;
  const isVerified = mode !== 'no-verify';
  const { caFile, serverName, ...own } = given;
  // libpq's word for the authorities of the system.
  const files = new TlsFiles({ ...own, ...(caFile !== undefined && caFile !== 'system' && { caFile }) }, onWarning);
  if (!isVerified)
    onWarning('sslmode=no-verify: any server on the path could pose as the database; use sslmode=verify-full');
  return {
    ssl: async () => ({ ...(await files.read()), rejectUnauthorized: isVerified, ...identityCheck(serverName) }),
  };
}

function filesOf(parameters: URLSearchParams): StoreTls {
  const found = Object.entries(FILES).flatMap(([name, option]) => {
    const path = parameters.get(name) ?? '';
    return path === '' ? [] : [[option, path] as const];
  });
  return Object.fromEntries(found);
}

/** The URL for `pg`, which would read the files itself. */
export function withoutTlsParameters(url: URL): string {
  const rest = new URL(url);
  for (const name of PARAMETERS) rest.searchParams.delete(name);
  return rest.href;
}
