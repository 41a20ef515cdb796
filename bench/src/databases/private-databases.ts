import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';

/**
 * A kind of database server that can be started for a run; its name is a store on the command line.
 */
export interface PrivateDatabase {
  /** Name for `--store` and in tables. */
  readonly name: string;
  /** Display name of the program. */
  readonly program: string;
  /** The relevant settings, for display. */
  readonly settings: string;
  /** Resolves to undefined if the server is not installed. */
  readonly start: () => Promise<DatabaseServer | undefined>;
}

/**
 * Each server syncs what it acknowledges, as in production; only memory and logs are sized for the
 * load.
 */
const POSTGRES = ['shared_buffers=512MB', 'max_wal_size=4GB'];
const MARIADB = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=1G'];
const REDIS = ['--auto-aof-rewrite-min-size', '4gb'];

/** In the order of the tables. */
export const PRIVATE_DATABASES: readonly PrivateDatabase[] = [
  {
    name: 'postgres',
    program: 'PostgreSQL',
    settings: `fsync, synchronous_commit and full_page_writes on, ${POSTGRES.join(', ')}`,
    start: () => startPostgres(POSTGRES),
  },
  {
    name: 'mariadb',
    program: 'MariaDB',
    settings: `innodb_flush_log_at_trx_commit=1, no binary log, ${MARIADB.join(' ')}`,
    start: () => startMariadb(MARIADB),
  },
  {
    name: 'redis-everysec',
    program: 'Redis',
    settings:
      'appendonly yes, appendfsync everysec (a crash may lose a second), noeviction, auto-aof-rewrite-min-size 4gb',
    start: () => startRedis({ appendFsync: 'everysec', settings: REDIS }),
  },
  {
    name: 'redis-always',
    program: 'Redis',
    settings: 'appendonly yes, appendfsync always, noeviction, auto-aof-rewrite-min-size 4gb',
    start: () => startRedis({ appendFsync: 'always', settings: REDIS }),
  },
];

/** The stores of `--store all`. */
export const ALL_STORES: readonly string[] = ['memory:', 'lmdb:', ...PRIVATE_DATABASES.map(({ name }) => name)];
