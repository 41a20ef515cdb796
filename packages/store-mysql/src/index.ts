import { CheckedStore, type Store } from '@holdfast/core/store';
import { MysqlStore } from './mysql-store.ts';
import { type MysqlStoreOptions, settingsOf } from './options.ts';

export type { MysqlStoreOptions } from './options.ts';
export { TLS_PARAMETERS as MYSQL_TLS_PARAMETERS, tlsOf as mysqlTlsOf } from './tls.ts';
export { containExceptions, destroy } from './wire.ts';

/**
 * Creates a shared store on MariaDB or MySQL, not open yet. Throws `StoreError` `invalid` for a URL
 * or a prefix that cannot be used.
 */
export const createMysqlStore = (options: MysqlStoreOptions): Store =>
  new CheckedStore(new MysqlStore(settingsOf(options)));
