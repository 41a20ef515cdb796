import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { StoreError } from '@holdfast/core/store';
import { identityCheck, type StoreTls, TlsFiles } from '@holdfast/core/store-kit';

/** TLS of the connections to one server. */
export interface RedisTls {
  /** The options of a new connection; reads the files. Throws `StoreError` `invalid`. */
  options(): Promise<ConnectionOptions>;
}

const FILES = { cacert: 'caFile', cert: 'certFile', key: 'keyFile', sni: 'serverName' } as const;
/** The parameters of a URL that concern TLS: those of redis-cli, and `tls` with Node's as JSON. */
export const TLS_PARAMETERS = ['tls', ...Object.keys(FILES)];

/**
 * TLS of a URL `rediss:`: the certificate is verified, also that it belongs to the host. The
 * options take precedence over the URL. Undefined for `redis:`.
 */
export function tlsOf(
  url: URL,
  host: string,
  options: StoreTls | undefined,
  onWarning: (text: string) => void,
): RedisTls | undefined {
  const given: StoreTls = { ...filesOf(url.searchParams), ...options };
  if (url.protocol !== 'rediss:') {
    const named = TLS_PARAMETERS.find((name) => url.searchParams.has(name));
    if (named !== undefined)
      throw invalid(`the parameter ${named} of the store URL needs rediss:// instead of redis://`);
    if (Object.keys(given).length > 0)
      throw invalid('TLS to Redis needs rediss:// instead of redis:// in the store URL');
    return undefined;
  }
  const { serverName, ...paths } = given;
  const name = serverName ?? host;
  const base = {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(name) === 0 && { servername: name }),
    ...identityCheck(serverName),
    ...jsonOf(url.searchParams.get('tls')),
  } as const;
  const files = new TlsFiles(paths, onWarning);
  return { options: async () => ({ ...base, ...(await files.read()) }) };
}

function jsonOf(text: string | null): ConnectionOptions {
  if (text === null) return {};
  try {
    const options: unknown = JSON.parse(text);
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  } catch {
    // The error below describes the form.
  }
  throw invalid('the parameter tls of the store URL is a JSON object, such as {"ca":"…"}');
}

function filesOf(parameters: URLSearchParams): StoreTls {
  const found = Object.entries(FILES).flatMap(([name, option]) => {
    const value = parameters.get(name) ?? '';
    return value === '' ? [] : [[option, value] as const];
  });
  return Object.fromEntries(found);
}

const invalid = (message: string): StoreError => new StoreError('invalid', message);
