import { startMariadb } from '@holdfast/test-servers';
import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { mysqlBarrier, type MysqlBarrierOptions } from '../../src/mysql2.ts';

/** A private MariaDB with a barrier table and a table of numbers. */
export type MysqlWorld = Awaited<ReturnType<typeof openMysqlWorld>>;

/** Enough for calls to meet in the database, and not in the queue for a connection. */
const CONNECTIONS = 40;

export async function openMysqlWorld() {
  const server = await startMariadb();
  if (server === undefined) throw new Error('MariaDB is not installed');
  const pool = createPool({ uri: server.url, connectionLimit: CONNECTIONS });
  await Promise.all([mysqlBarrier(pool).ensureSchema(), mysqlBarrier(pool).ensureSchema()]);
  await pool.query('create table number (id int auto_increment primary key, value int not null)');

  /** A number of its own, which begins at 0, with a barrier. */
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

  return {
    server,
    pool,
    createPlace,
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}
