import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';
import { ConfigError } from './config/config-error.ts';

/** The stores of one URL scheme. */
interface Scheme {
  readonly scheme: string;
  /** A URL for error messages; only for the main scheme of a store. */
  readonly example?: string;
  /**
   * @param rest the URL after the scheme
   * @param onWarning called when the store is opened, with what a crash may lose
   */
  make(rest: string, onWarning: (text: string) => void): Promise<Store>;
}

/** One of PostgreSQL's two schemes. */
const postgres = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'postgres:' && { example: 'postgres://HOST/DATABASE' }),
  async make(rest, onWarning) {
    const { createPostgresStore } = await import('@holdfast/store-postgres');
    return createPostgresStore({ url: `${scheme}${rest}`, onWarning });
  },
});

/** One of the schemes of MariaDB and MySQL, which share a protocol. */
const mysql = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'mysql:' && { example: 'mysql://HOST/DATABASE' }),
  async make(rest, onWarning) {
    const { createMysqlStore } = await import('@holdfast/store-mysql');
    return createMysqlStore({ url: `${scheme}${rest}`, onWarning });
  },
});

/** One of the schemes of Redis: TCP, TLS, or a Unix socket. */
const redis = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'redis:' && { example: 'redis://HOST/DATABASE' }),
  async make(rest, onWarning) {
    const { createRedisStore } = await import('@holdfast/store-redis');
    return createRedisStore({ url: `${scheme}${rest}`, onWarning });
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
    async make(path, onWarning) {
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
 * Returns the store for a URL, not yet open. Throws `ConfigError`, or `StoreError` `invalid` for a
 * URL that the store driver cannot use.
 */
export function storeOf(url: string, onWarning: (text: string) => void = () => undefined): Promise<Store> {
  const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
  if (found !== undefined) return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ''), onWarning);
  const known = SCHEMES.flatMap(({ example }) => example ?? []).join(', ');
  // The URL may contain a password: only its scheme is repeated.
  throw new ConfigError(`--store: ${JSON.stringify(url.split(':', 1)[0])} is not a store; use one of ${known}`);
}
