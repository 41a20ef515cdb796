import { CheckedStore, type Store } from '@holdfast/core/store';
import { type PostgresStoreOptions, settingsOf } from './options.ts';
import { PostgresStore } from './postgres-store.ts';

export type { PostgresStoreOptions } from './options.ts';
export { tlsOf as postgresTlsOf, withoutTlsParameters } from './tls.ts';
export { containExceptions } from './wire.ts';

/**
 * Creates a shared store on PostgreSQL, not open yet; any number of nodes may have it open at once.
 * `open` creates or migrates the schema. Throws `StoreError` `invalid` for a URL or a schema name
 * that cannot be used.
 */
export const createPostgresStore = (options: PostgresStoreOptions): Store =>
  new CheckedStore(new PostgresStore(settingsOf(options)));
