import { runChild, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';

/** A port used in the pages, and the database that listens there in the tests. */
export interface Database {
  readonly wellKnownPort: number;
  readonly port: number;
  /** Empties the database, as a newcomer would find it. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** The databases used in the pages; undefined for one that is not installed. */
export const DATABASES = {
  postgres: { wellKnownPort: 5432, start: startPostgresForPages },
  mariadbd: { wellKnownPort: 3306, start: startMariadbForPages },
  'redis-server': { wellKnownPort: 6379, start: startRedisForPages },
} as const;

const portOf = (url: string): number => Number(new URL(url).port);

async function startPostgresForPages(): Promise<Database | undefined> {
  const server = await startPostgres();
  if (server === undefined) return undefined;
  const port = portOf(server.url);
  const psql = (statement: string) => runChild('psql', ['--quiet', '--command', statement, server.url]);
  await psql('create role postgres superuser login');
  return {
    wellKnownPort: 5432,
    port,
    async reset() {
      await psql('drop database if exists bank with (force)');
      await psql('create database bank owner postgres');
    },
    stop: () => server.stop(),
  };
}

async function startMariadbForPages(): Promise<Database | undefined> {
  const server = await startMariadb();
  if (server === undefined) return undefined;
  const port = portOf(server.url);
  const place = ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=holdfast'];
  const mariadb = (statements: string) => runChild('mariadb', [...place, '--execute', statements]);
  await mariadb("create user root@'127.0.0.1'; grant all on *.* to root@'127.0.0.1'");
  return {
    wellKnownPort: 3306,
    port,
    async reset() {
      await mariadb('drop database if exists dtm_barrier; drop database if exists bank; create database bank');
    },
    stop: () => server.stop(),
  };
}

async function startRedisForPages(): Promise<Database | undefined> {
  const server = await startRedis();
  if (server === undefined) return undefined;
  const port = portOf(server.url);
  return {
    wellKnownPort: 6379,
    port,
    async reset() {
      await runChild('redis-cli', ['-p', String(port), 'flushall']);
    },
    stop: () => server.stop(),
  };
}
