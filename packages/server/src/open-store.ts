import { CheckedStore, MemoryStore, type Store } from '@holdfast/core';
import { ConfigError } from './config/config-error.ts';

/** A store that URLs of one scheme name. */
interface Scheme {
  readonly scheme: string;
  /** A URL for error messages; without one for further names of the same store. */
  readonly example?: string;
  /**
   * @param rest what follows the scheme
   * @param onWarning hears, when the store is opened, what a crash may lose
   */
  make(rest: string, onWarning: (text: string) => void): Promise<Store>;
}

/** A scheme of PostgreSQL's; it has two. */
const postgres = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'postgres:' && { example: 'postgres://HOST/DATABASE' }),
  async make(rest, onWarning) {
    const { createPostgresStore } = await import('@holdfast/store-postgres');
    return createPostgresStore({ url: `${scheme}${rest}`, onWarning });
  },
});

/** Schemes of MariaDB and MySQL: one protocol. */
const mysql = (scheme: string): Scheme => ({
  scheme,
  ...(scheme === 'mysql:' && { example: 'mysql://HOST/DATABASE' }),
  async make(rest, onWarning) {
    const { createMysqlStore } = await import('@holdfast/store-mysql');
    return createMysqlStore({ url: `${scheme}${rest}`, onWarning });
  },
});

/** A scheme of Redis's: without and with TLS. */
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
      if (path === '') throw new ConfigError('--store lmdb: needs a directory, such as lmdb:./data');
      // Who keeps nothing on disk need not load the database.
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

/** The store that a URL names, not yet open. Throws `ConfigError`, or `StoreError` `invalid` for a URL that its driver cannot use. */
export function storeOf(url: string, onWarning: (text: string) => void = () => undefined): Promise<Store> {
  const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
  if (found !== undefined) return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ''), onWarning);
  const known = SCHEMES.flatMap(({ example }) => example ?? []).join(', ');
  // The URL may contain a password: only its scheme is repeated.
  throw new ConfigError(`--store: ${JSON.stringify(url.split(':', 1)[0])} is not a store; use one of ${known}`);
}
