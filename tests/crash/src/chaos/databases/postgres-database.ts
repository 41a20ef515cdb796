import { postgresBarrier } from '@holdfast/client/pg';
import { startPostgres } from '@holdfast/testing/servers';
import { Pool } from 'pg';
import { type ChaosDatabase, oneOf } from './chaos-database.ts';
import { ACCOUNTS, type Change, type Delta, type Entry, OPENING_BALANCE } from './ledger.ts';
import { APPLICATION } from './postgres-ledger.ts';

const SETTINGS = [
  'deadlock_timeout=50ms',
  'lock_timeout=1s',
  'max_connections=150',
  'max_prepared_transactions=200',
  // At serializable, a sequential scan locks the whole table of accounts for reading, and an index
  // scan only the entries that it reads. This discourages sequential scans. PostgreSQL may still
  // use one, and conflicts between transactions on different accounts remain possible, since the
  // locks of an index scan cover pages.
  'enable_seqscan=off',
];

interface EntryRow extends Omit<Entry, 'changes'> {
  readonly changes: string;
}

/** A private PostgreSQL; undefined when it is not installed. */
export async function startPostgresDatabase(isolation: string): Promise<ChaosDatabase | undefined> {
  // XA participants begin their transactions with the server's default.
  const server = await startPostgres([...SETTINGS, `default_transaction_isolation=${isolation}`]);
  if (server === undefined) return undefined;
  process.once('exit', () => void server.kill());
  // The operator only reads, and a serializable reader may fail because of finished transactions.
  const options = '-c default_transaction_isolation=read\\ committed';
  const pool = new Pool({ connectionString: server.url, max: 2, options });
  pool.on('error', () => undefined);
  await postgresBarrier(pool).ensureSchema();
  await pool.query(
    `create table entry (seq bigserial primary key, gid text, step int, op text, changes text);
     create table account (id int primary key, balance bigint not null, frozen bigint not null);
     insert into account select n, ${OPENING_BALANCE}, 0 from generate_series(0, ${ACCOUNTS - 1}) n`,
  );
  return {
    url: server.url,
    async terminateOne(random) {
      const text = `select pid from pg_stat_activity where application_name = $1 and state <> 'idle' order by pid`;
      const { rows } = await pool.query<{ pid: number }>(text, [APPLICATION]);
      const victim = oneOf(rows, random);
      if (victim === undefined) return false;
      const ended = await pool.query<{ done: boolean }>('select pg_terminate_backend($1) as done', [victim.pid]);
      return ended.rows[0]?.done === true;
    },
    async read() {
      const entries = await pool.query<EntryRow>('select gid, step, op, changes from entry order by seq');
      const text = 'select balance::float8 as balance, frozen::float8 as frozen from account order by id';
      const accounts = await pool.query<Delta>(text);
      const prepared = await pool.query<{ gid: string }>('select gid from pg_prepared_xacts');
      return {
        entries: entries.rows.map((row) => ({ ...row, changes: JSON.parse(row.changes) as Change[] })),
        accounts: accounts.rows,
        prepared: prepared.rows.map(({ gid }) => gid),
      };
    },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}
