import { type DatabaseServer, startMariadb, startPostgres } from '@holdfast/testing/servers';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { CannotRun, orCannotRun } from './cannot-run.ts';
import type { Closer } from './closer.ts';

export interface Pools {
  readonly postgres: pg.Pool;
  readonly mariadb: mysql.Pool;
}

export interface DatabaseUrls {
  /** Undefined: a private database is started. */
  readonly postgres: string | undefined;
  readonly mariadb: string | undefined;
}

/** Longest time that a database may take to accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connections to both databases. A database without a URL is started, and removed by `closer`.
 *
 * @throws {CannotRun} a database is not installed, cannot be reached, or lacks a required feature
 */
export async function openDatabases(urls: DatabaseUrls, withXa: boolean, closer: Closer): Promise<Pools> {
  const [postgresUrl, mariadbUrl] = await Promise.all([
    urls.postgres ?? privateUrl(startPostgres, closer),
    urls.mariadb ?? privateUrl(startMariadb, closer),
  ]);
  const missing = [
    ...(postgresUrl === undefined ? [MISSING_POSTGRES] : []),
    ...(mariadbUrl === undefined ? [MISSING_MARIADB] : []),
  ];
  if (postgresUrl === undefined || mariadbUrl === undefined) throw new CannotRun(missing.join('\n\n'));

  const postgres = new pg.Pool({ connectionString: postgresUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A broken idle connection is replaced; without a listener, Node would terminate the process.
  postgres.on('error', () => undefined);
  closer.add(() => postgres.end());
  const mariadb = mysql.createPool({ uri: mariadbUrl, connectTimeout: CONNECT_TIMEOUT_MS });
  closer.add(() => mariadb.end());
  await orCannotRun('PostgreSQL cannot be used', urlAdvice('--postgres'), () => postgres.query('select 1'));
  await orCannotRun('MariaDB cannot be used', urlAdvice('--mariadb'), () => mariadb.query('select 1'));
  if (withXa) await checkXa(postgres);
  return { postgres, mariadb };
}

async function privateUrl(
  start: () => Promise<DatabaseServer | undefined>,
  closer: Closer,
): Promise<string | undefined> {
  const starting = start();
  // Also stops a server that is still starting when everything is closed.
  closer.add(() => starting.then((server) => server?.stop()));
  return (await starting)?.url;
}

const urlAdvice = (option: string): string => `Check the URL of ${option}: user, password, host, port and database.`;

/** PostgreSQL prepares transactions only if it is configured to. */
async function checkXa(postgres: pg.Pool): Promise<void> {
  const { rows } = await postgres.query<{ max_prepared_transactions: string }>('show max_prepared_transactions');
  if (Number(rows[0]?.max_prepared_transactions) > 0) return;
  throw new CannotRun(
    'This PostgreSQL does not prepare transactions, and xa needs that: set max_prepared_transactions = 100 in its postgresql.conf\n' +
      'and restart it, or run the other patterns: npm run transfer -- saga tcc message workflow',
  );
}

const MISSING_POSTGRES = `PostgreSQL is not installed here. Install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql),
or name one that runs: npm run transfer -- --postgres postgres://USER:PASSWORD@HOST:5432/DATABASE`;

const MISSING_MARIADB = `MariaDB is not installed here. Install it (Debian, Ubuntu: apt-get install mariadb-server; macOS: brew install mariadb),
or name one that runs: npm run transfer -- --mariadb mysql://USER:PASSWORD@HOST:3306/DATABASE`;
