import { CheckedStore, MemoryStore, type Store } from '@holdfast/core';
import { ConfigError } from './config/config-error.ts';

/** A store that URLs of one scheme name. */
interface Scheme {
  readonly scheme: string;
  /** As one writes it. */
  readonly example: string;
  /** @param rest what follows the scheme. */
  make(rest: string): Promise<Store>;
}

const SCHEMES: readonly Scheme[] = [
  {
    scheme: 'memory:',
    example: 'memory: (forgets at exit)',
    make: () => Promise.resolve(new CheckedStore(new MemoryStore(Date.now))),
  },
  {
    scheme: 'lmdb:',
    example: 'lmdb:PATH (a directory)',
    async make(path) {
      if (path === '') throw new ConfigError('--store lmdb: needs a directory, such as lmdb:./data');
      // Who keeps nothing on disk need not load the database.
      const { createLmdbStore } = await import('@holdfast/store-lmdb');
      return createLmdbStore({ path });
    },
  },
];

/** The store that a URL names, not yet open. Throws `ConfigError`. */
export function storeOf(url: string): Promise<Store> {
  const found = SCHEMES.find(({ scheme }) => url.startsWith(scheme));
  if (found !== undefined) return found.make(url.slice(found.scheme.length).replace(/^\/\/(?=\/|\.)/, ''));
  const known = SCHEMES.map(({ example }) => example).join(' and ');
  // A password may stand in it: only the scheme is repeated.
  throw new ConfigError(`--store ${url.split(':', 1)[0] ?? ''}: is no store of this version; there are ${known}`);
}
