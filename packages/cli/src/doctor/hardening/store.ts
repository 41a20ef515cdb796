import { placeOfUrl } from '@holdfast/protocol';
import { isLoopback, type ServerConfig } from '@holdfast/server/config';
import { storeTlsOf } from '@holdfast/server/store';
import { fail, ok, skip, warn } from '../finding.ts';
import type { HardeningItem } from './installation.ts';

/** Parameters of a store's URL that name the file of a private key. */
const KEY_PARAMETERS = ['sslkey', 'ssl-key', 'key'];
const CERTAIN = /^(?:postgres|postgresql|mysql|mariadb|redis|rediss):$/;

const urlOf = (store: string): URL | undefined => (URL.canParse(store) ? new URL(store) : undefined);

/** The private key that the URL of a store names. */
export function storeKeyFileOf(store: string): string | undefined {
  const url = urlOf(store);
  return KEY_PARAMETERS.map((name) => url?.searchParams.get(name) ?? '').find((path) => path !== '');
}

/** Whether the connections of the store leave this machine. */
function isRemote(url: URL): boolean {
  if (!CERTAIN.test(url.protocol)) return false;
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return host !== '' && !host.startsWith('/') && !isLoopback(host);
}

type Encryption = 'verified' | 'unverified' | 'none';

/** What the URL and the options of a store result in; see the `tls.ts` of the store drivers. */
function encryptionOf(url: URL, config: ServerConfig): Encryption {
  const { searchParams: parameters, protocol } = url;
  const hasFiles = Object.keys(storeTlsOf(config)).length > 0;
  if (protocol.startsWith('redis'))
    return protocol !== 'rediss:' ? 'none' : unverified(parameters.get('tls')) ? 'unverified' : 'verified';
  const mode = (parameters.get('sslmode') ?? parameters.get('ssl-mode') ?? '').toLowerCase();
  const ssl = parameters.get('ssl') ?? '';
  if (mode === 'no-verify' || unverified(ssl)) return 'unverified';
  // The library decides, and its weaker modes do not verify.
  if (parameters.has('uselibpqcompat')) return mode.startsWith('verify-') ? 'verified' : 'unverified';
  if (/^disabled?$/.test(mode) || ssl === 'false') return 'none';
  return mode !== '' || hasFiles || !['', '0'].includes(ssl) || hasFilesOf(parameters) ? 'verified' : 'none';
}

const hasFilesOf = (parameters: URLSearchParams): boolean =>
  ['sslrootcert', 'sslcert', 'ssl-ca', 'ssl-cert'].some((name) => (parameters.get(name) ?? '') !== '');

const unverified = (json: string | null): boolean => /"rejectUnauthorized"\s*:\s*false/.test(json ?? '');

export const storeEncryption: HardeningItem = {
  name: 'store encryption',
  check({ config }) {
    const { name } = storeEncryption;
    const url = urlOf(config.store);
    if (url === undefined || !isRemote(url)) return [ok(name, 'the store is on this machine')];
    const place = placeOfUrl(config.store);
    const fix = 'docs/security.md, "Towards the store", describes TLS for each database';
    switch (encryptionOf(url, config)) {
      case 'verified':
        return [ok(name, `${place}: TLS, verified`)];
      case 'unverified':
        return [fail(name, `${place}: TLS, but any server could pose as the database`, fix)];
      case 'none':
        return [warn(name, `${place}: the password and all payloads cross the network unencrypted`, fix)];
    }
  },
};

export const storeUser: HardeningItem = {
  name: 'store user',
  check({ config }) {
    const { name } = storeUser;
    const url = urlOf(config.store);
    if (url === undefined || !CERTAIN.test(url.protocol)) return [ok(name, 'the store has no users')];
    const user = decodeURIComponent(url.username);
    const fix = 'create a user who may use only the schema of Holdfast; see the page of the store';
    if (url.protocol.startsWith('redis'))
      return user !== '' && user !== 'default'
        ? [ok(name, user)]
        : [warn(name, 'the default user of Redis may do everything', 'create a user with ACL SETUSER')];
    if (user === '') return [skip(name, 'the URL names no user', 'name one in the URL of --store')];
    if (['root', 'postgres', 'admin'].includes(user)) return [warn(name, `${user} administers the server`, fix)];
    return [ok(name, user)];
  },
};
