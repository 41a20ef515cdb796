import { connect, isIP } from 'node:net';
import { StoreError } from '@holdfast/core/store';
import { type StoreTls, TlsFiles } from '@holdfast/core/store-kit';
import type { ConnectionOptions, SslOptions } from 'mysql2';

/** TLS of the connections to one database. */
export interface MysqlTls {
  /** The options of a new connection; reads the files. Throws `StoreError` `invalid`. */
  options(): Promise<ConnectionOptions>;
}

/** MySQL's words; each requires TLS with a verified certificate for the host's name. */
const MODES = ['required', 'verify_ca', 'verify_identity'];
const FILES = { 'ssl-ca': 'caFile', 'ssl-cert': 'certFile', 'ssl-key': 'keyFile' } as const;
/** The parameters of a URL that concern TLS. */
export const TLS_PARAMETERS = ['ssl', 'ssl-mode', ...Object.keys(FILES)];

export interface MysqlServer {
  readonly host: string;
  readonly port: number;
}

/**
 * TLS by the parameters of a URL (`ssl`, and `ssl-mode`, `ssl-ca`, `ssl-cert`, `ssl-key` as MySQL
 * has them) and the options, which take precedence. Undefined if neither specifies TLS.
 */
export function tlsOf(
  parameters: URLSearchParams,
  { host, port }: MysqlServer,
  options: StoreTls = {},
  onWarning: (text: string) => void = () => undefined,
): MysqlTls | undefined {
  const base = sslOf(parameters, host);
  const given: StoreTls = { ...filesOf(parameters), ...options };
  if (base === 'off') {
    if (Object.keys(given).length > 0)
      throw new StoreError('invalid', 'the store URL disables TLS, which contradicts its files for TLS');
    return undefined;
  }
  if (base === undefined && Object.keys(given).length === 0) return undefined;
  const { serverName, ...paths } = given;
  const files = new TlsFiles(paths, onWarning);
  const name = serverName ?? host;
  const ssl: SslOptions = { verifyIdentity: isIP(name) === 0, minVersion: 'TLSv1.2', ...base };
  if (isIP(name) !== 0 && ssl.verifyIdentity !== true)
    onWarning(
      `the certificate of the database is verified, but not that it belongs to ${name}: put a host name into the URL, or specify --store-tls-server-name`,
    );
  return {
    options: async () => ({
      ssl: { ...ssl, ...(await files.read()) },
      // The library compares the certificate with the host that it connects to.
      ...(serverName !== undefined && { host: serverName, stream: () => connect({ host, port, noDelay: true }) }),
    }),
  };
}

function sslOf(parameters: URLSearchParams, host: string): SslOptions | 'off' | undefined {
  const mode = parameters.get('ssl-mode')?.toLowerCase();
  if (mode !== undefined && mode !== 'disabled' && !MODES.includes(mode))
    throw invalid(`the parameter ssl-mode of the store URL is DISABLED, ${MODES.join(', ').toUpperCase()}`);
  const text = parameters.get('ssl');
  if (text === 'false' || mode === 'disabled') return 'off';
  const verifyIdentity = isIP(host) === 0;
  if (text === null) return mode === undefined ? undefined : {};
  if (text === 'true') return {};
  try {
    const options: unknown = JSON.parse(text);
    if (typeof options === 'object' && options !== null && !Array.isArray(options))
      return { verifyIdentity, ...options };
  } catch {
    // Reported below.
  }
  throw invalid('the parameter ssl of the store URL is true, false or a JSON object, such as {"ca":"…"}');
}

function filesOf(parameters: URLSearchParams): StoreTls {
  const found = Object.entries(FILES).flatMap(([name, option]) => {
    const path = parameters.get(name) ?? '';
    return path === '' ? [] : [[option, path] as const];
  });
  return Object.fromEntries(found);
}

const invalid = (message: string): StoreError => new StoreError('invalid', message);
