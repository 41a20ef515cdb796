import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';

/** Stores that several coordinators share. */
export const SHARED_STORES = ['postgres', 'mysql', 'redis'] as const;
export type SharedStore = (typeof SHARED_STORES)[number];

type Start = (environment: NodeJS.ProcessEnv) => Promise<DatabaseServer | undefined>;

const START: Readonly<Record<SharedStore, Start>> = {
  postgres: (environment) => startPostgres([], environment),
  mysql: (environment) => startMariadb([], environment),
  // One sync per batch: the store must be durable.
  redis: (environment) => startRedis({ appendFsync: 'always', environment }),
};

/**
 * Starts a dedicated database of this kind. Throws if it is not installed.
 *
 * @param environment variables in addition to those of this process
 */
export async function startDatabase(store: SharedStore, environment: NodeJS.ProcessEnv = {}): Promise<DatabaseServer> {
  const database = await START[store](environment);
  if (database === undefined) throw new Error(`there is no server for --store ${store} on this machine`);
  // A runner that ends early must not leave it behind; the signal is sent before anything is waited
  // for.
  process.once('exit', () => void database.kill());
  return database;
}
