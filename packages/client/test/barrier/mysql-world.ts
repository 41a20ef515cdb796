import { startMariadb } from '@holdfast/testing/servers';
import * as mysql2 from 'mysql2/promise';
import type { PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { mysqlBarrier, type MysqlBarrierOptions } from '../../src/mysql2.ts';
import type { StoredRow } from './sql-cases.ts';

/** A private MariaDB with a barrier table and a table of numbers. */
export type MysqlWorld = Awaited<ReturnType<typeof openMysqlWorld>>;

/** Enough for calls to meet in the database, and not in the queue for a connection. */
const CONNECTIONS = 40;

/** @param use a `mysql2/promise` of any version */
export async function openMysqlWorld({ createPool }: Pick<typeof mysql2, 'createPool'> = mysql2) {
  const server = await startMariadb();
  if (server === undefined) throw new Error('MariaDB is not installed');
  const pool = createPool({ uri: server.url, connectionLimit: CONNECTIONS });
  await Promise.all([mysqlBarrier(pool).ensureSchema(), mysqlBarrier(pool).ensureSchema()]);
  await pool.query('create table number (id int auto_increment primary key, value int not null)');
  await pool.query('create table ballast (value int not null)');
  await pool.query('create table contested (id int primary key, value int not null)');
  await pool.query('insert into contested (id, value) values (1, 0), (2, 0)');

  /** A separate number, initially 0, with a barrier. */
  async function createPlace(options: MysqlBarrierOptions = {}) {
    const [{ insertId: id }] = await pool.execute<ResultSetHeader>('insert into number (value) values (0)');
    return {
      barrier: mysqlBarrier(pool, options),
      add: (tx: PoolConnection, amount: number) =>
        tx.execute('update number set value = value + ? where id = ?', [amount, id]),
      read: async () => {
        const [rows] = await pool.execute<RowDataPacket[]>('select value from number where id = ?', [id]);
        return Number(rows[0]?.['value']);
      },
      remove: async () => {
        await pool.execute('delete from number where id = ?', [id]);
      },
    };
  }

  const begin = async (prepare?: string) => {
    const tx = await pool.getConnection();
    if (prepare !== undefined) await tx.query(prepare);
    await tx.query('start transaction');
    const end = async (how: 'commit' | 'rollback') => {
      await tx.query(how);
      tx.release();
    };
    return { tx, end };
  };

  return {
    server,
    pool,
    createPlace,
    connect(url: string) {
      const own = createPool({ uri: url, connectionLimit: 1 });
      return { barrier: mysqlBarrier(own), close: () => own.end() };
    },
    begin: () => begin(),
    beginSerializable: () => begin('set transaction isolation level serializable'),
    /** A deadlock with a transaction that changed more rows: InnoDB rolls back the smaller one. */
    async loseConflict(tx: PoolConnection) {
      const other = await pool.getConnection();
      try {
        await other.query('start transaction');
        await other.query('insert into ballast (value) select seq from seq_1_to_100');
        await other.query('update contested set value = value + 1 where id = 2');
        await tx.query('update contested set value = value + 1 where id = 1');
        const won = other.query('update contested set value = value + 1 where id = 1');
        const lost = tx.query('update contested set value = value + 1 where id = 2');
        // The other one waits until this one has been rolled back.
        await Promise.all([won, lost]);
      } finally {
        await other.query('rollback');
        other.release();
      }
    },
    async rows(gid: string) {
      const columns = 'trans_type, gid, branch_id, op, barrier_id, reason';
      const [found] = await pool.query<(StoredRow & RowDataPacket)[]>(
        `select ${columns} from dtm_barrier.barrier where gid = ? order by id`,
        [gid],
      );
      return found.map((row) => ({ ...row }));
    },
    async plant(row: StoredRow) {
      await pool.execute(
        'insert into dtm_barrier.barrier (trans_type, gid, branch_id, op, barrier_id, reason) values (?, ?, ?, ?, ?, ?)',
        [row.trans_type, row.gid, row.branch_id, row.op, row.barrier_id, row.reason],
      );
    },
    lost: () => Object.assign(new Error('lost against another transaction'), { errno: 1213, sqlState: '40001' }),
    lose: (tx: PoolConnection) =>
      tx.query("signal sqlstate '40001' set message_text = 'lost against another transaction', mysql_errno = 1213"),
    async restart(tx: PoolConnection) {
      await tx.query('rollback');
      await tx.query('begin');
    },
    execute: (statement: string) => pool.query(statement),
    /** A table that compares gids case-insensitively. */
    async createDtmTable(table: string) {
      await pool.query(
        `create table ${table} (id bigint primary key auto_increment, trans_type varchar(45), gid varchar(128), branch_id varchar(128), op varchar(45),
          barrier_id varchar(45), reason varchar(45), create_time datetime default now(), update_time datetime default now(),
          key (create_time), key (update_time), unique key (gid, branch_id, op, barrier_id)) charset = utf8mb4 collate = utf8mb4_general_ci`,
      );
    },
    /** Simulates a deadlock whose error the work catches; later statements commit on their own. */
    breakTransaction: (tx: PoolConnection) => tx.query('rollback'),
    close: async () => {
      await pool.end();
      await server.stop();
    },
  };
}
