import type { ChaosDatabase, DatabaseName } from './chaos-database.ts';
import { startMysqlDatabase } from './mysql-database.ts';
import { startPostgresDatabase } from './postgres-database.ts';
import { startRedisDatabase } from './redis-database.ts';

/** Starts a database that no other program uses. Throws when it is not installed. */
export async function startChaosDatabase(name: DatabaseName, isolation: string): Promise<ChaosDatabase> {
  const start = {
    postgres: () => startPostgresDatabase(isolation),
    mysql: () => startMysqlDatabase(isolation),
    redis: () => startRedisDatabase(),
  } as const satisfies Readonly<Record<DatabaseName, () => Promise<ChaosDatabase | undefined>>>;
  const database = await start[name]();
  if (database === undefined) throw new Error(`there is no server for --database ${name} on this machine`);
  return database;
}
