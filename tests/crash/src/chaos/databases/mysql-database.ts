import { mysqlBarrier } from '@holdfast/client/mysql2';
import { startMariadb } from '@holdfast/testing/servers';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import { type ChaosDatabase, oneOf } from './chaos-database.ts';
import { ACCOUNTS, type Change, OPENING_BALANCE } from './ledger.ts';

const SETTINGS = ['--innodb-lock-wait-timeout=1', '--innodb-deadlock-detect=on', '--max-connections=200'];

/** A private MariaDB; undefined when it is not installed. */
export async function startMysqlDatabase(isolation: string): Promise<ChaosDatabase | undefined> {
  // XA participants begin their transactions with the server's default.
  const level = isolation.toUpperCase().replace(' ', '-');
  const server = await startMariadb([...SETTINGS, `--transaction-isolation=${level}`]);
  if (server === undefined) return undefined;
  process.once('exit', () => void server.kill());
  const pool = createPool({ uri: server.url, connectionLimit: 1 });
  await mysqlBarrier(pool).ensureSchema();
  await pool.query(
    'create table entry (seq bigint auto_increment primary key, gid varchar(200), step int, op varchar(40), changes text)',
  );
  await pool.query('create table account (id int primary key, balance bigint not null, frozen bigint not null)');
  const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${OPENING_BALANCE}, 0)`);
  await pool.query(`insert into account values ${rows.join(', ')}`);
  return {
    url: server.url,
    async terminateOne(random) {
      const busy = `select id from information_schema.processlist where id <> connection_id()
        and user = 'holdfast' and command <> 'Sleep' order by id`;
      const [found] = await pool.query<RowDataPacket[]>(busy);
      const victim = oneOf(found, random);
      if (victim === undefined) return false;
      return pool.query(`kill ${Number(victim['id'])}`).then(
        () => true,
        () => false,
      );
    },
    async read() {
      const [entries] = await pool.query<RowDataPacket[]>('select gid, step, op, changes from entry order by seq');
      const [accounts] = await pool.query<RowDataPacket[]>('select balance, frozen from account order by id');
      const [prepared] = await pool.query<RowDataPacket[]>('xa recover');
      return {
        entries: entries.map((row) => ({
          gid: String(row['gid']),
          step: Number(row['step']),
          op: String(row['op']),
          changes: JSON.parse(String(row['changes'])) as Change[],
        })),
        accounts: accounts.map((row) => ({ balance: Number(row['balance']), frozen: Number(row['frozen']) })),
        prepared: prepared.map((row) => String(row['data'])),
      };
    },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}
