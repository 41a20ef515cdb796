import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/test-servers';

/** Stores that several coordinators share. */
export const SHARED_STORES = ['postgres', 'mysql', 'redis'] as const;
export type SharedStore = (typeof SHARED_STORES)[number];

const START: Readonly<Record<SharedStore, () => Promise<DatabaseServer | undefined>>> = {
  postgres: () => startPostgres(),
  mysql: () => startMariadb(),
  // One sync a batch, as a store that must not forget needs it.
  redis: () => startRedis({ appendFsync: 'always' }),
};

/** Starts a database of this kind that nobody else uses. Throws when it is not installed. */
export async function startDatabase(store: SharedStore): Promise<DatabaseServer> {
  const database = await START[store]();
  if (database === undefined) throw new Error(`there is no server for --store ${store} on this machine`);
  // A runner that ends early must not leave it behind; the signal is sent before anything is waited
  // for.
  process.once('exit', () => void database.kill());
  return database;
}
