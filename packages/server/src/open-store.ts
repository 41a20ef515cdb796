import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';
import type { StoreTls } from '@holdfast/core/store-kit';
import { ConfigError } from './config/config-error.ts';
import { secretOption } from './secrets/secret-option.ts';
import type { ServerConfig } from './config/options.ts';

/** The stores of one URL scheme. */
interface Scheme {
  readonly scheme: string;
  /** A URL for error messages; only for the main scheme of a store. */
  readonly example?: string;
  /** Whether its connections can use TLS. */
  readonly hasTls?: boolean;
  /** @param rest the URL after the scheme */
  make(rest: string, options: MakeOptions): Promise<Store>;
}

interface MakeOptions {
  /** Called when the store is opened, with what a crash may lose. */
  readonly onWarning: (text: string) => void;
  readonly tls: StoreTls;
}

/** One of PostgreSQL's two schemes. */
const postgres = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'postgres:' && { example: 'postgres://HOST/DATABASE' }),
  hasTls: true,
  async make(rest, options) {
    const { createPostgresStore } = await import('@holdfast/store-postgres');
    return createPostgresStore({ url: `${scheme}${rest}`, ...options });
  },
});

/** One of the schemes of MariaDB and MySQL, which share a protocol. */
const mysql = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'mysql:' && { example: 'mysql://HOST/DATABASE' }),
  hasTls: true,
  async make(rest, options) {
    const { createMysqlStore } = await import('@holdfast/store-mysql');
    return createMysqlStore({ url: `${scheme}${rest}`, ...options });
  },
});

/** One of the schemes of Redis: TCP, TLS, or a Unix socket. */
const redis = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'redis:' && { example: 'redis://HOST/DATABASE' }),
  hasTls: true,
  async make(rest, options) {
    const { createRedisStore } = await import('@holdfast/store-redis');
    return createRedisStore({ url: `${scheme}${rest}`, ...options });
  },
});

const SCHEMES: readonly Scheme[] = [
  {
    scheme: 'memory:',
    example: 'memory:',
    make: () => Promise.resolve(new CheckedStore(new MemoryStore(Date.now, performance.now.bind(performance)))),
  },
  {
    scheme: 'lmdb:',
    example: 'lmdb:DIRECTORY',
    async make(path, { onWarning }) {
      if (path === '') throw new ConfigError('--store lmdb: requires a directory, such as lmdb:./data');
      // Loads the LMDB package only when it is used.
      const { createLmdbStore } = await import('@holdfast/store-lmdb');
      return createLmdbStore({ path, onWarning });
    },
  },
  postgres('postgres:'),
  postgres('postgresql:'),
  mysql('mysql:'),
  mysql('mariadb:'),
  redis('redis:'),
  redis('rediss:'),
  redis('redis+unix:'),
  redis('unix:'),
];

/**
 * Returns the store for a URL, not yet open; `file:PATH`: for the URL in that file. Throws
 * `ConfigError`, or `StoreError` `invalid` for a URL that the store driver cannot use.
 */
export async function storeOf(
  value: string,
  onWarning: (text: string) => void = () => undefined,
  tls: StoreTls = {},
): Promise<Store> {
  const url = await secretOption('--store', value, onWarning);
  const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
  if (found !== undefined) {
    if (found.hasTls !== true && Object.keys(tls).length > 0)
      throw new ConfigError(
        `--store ${found.scheme}: has no connections for which --store-tls-… options could apply`,
        'store',
      );
    return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ''), { onWarning, tls });
  }
  const known = SCHEMES.flatMap(({ example }) => example ?? []).join(', ');
  // The URL may contain a password: only its scheme is repeated.
  throw new ConfigError(`--store: ${JSON.stringify(url.split(':', 1)[0])} is not a store; use one of ${known}`);
}

/** TLS towards the store by the options. */
export const storeTlsOf = (config: StoreTlsOptions): StoreTls => ({
  ...(config.storeTlsCaFile !== '' && { caFile: config.storeTlsCaFile }),
  ...(config.storeTlsCertFile !== '' && { certFile: config.storeTlsCertFile, keyFile: config.storeTlsKeyFile }),
  ...(config.storeTlsServerName !== '' && { serverName: config.storeTlsServerName }),
});

type StoreTlsOptions = Pick<
  ServerConfig,
  'storeTlsCaFile' | 'storeTlsCertFile' | 'storeTlsKeyFile' | 'storeTlsServerName'
>;
