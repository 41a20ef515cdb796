import { postgresBarrier, postgresXa, type XaOptions } from '@holdfast/client/pg';
import { startPostgres } from '@holdfast/testing/servers';
import { Pool, type PoolClient } from 'pg';

const CONNECTIONS = 10;

/** Numbers in a private PostgreSQL, which branches of an XA transaction add to. */
export async function openNumbers() {
  const server = await startPostgres();
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const pool = new Pool({ connectionString: server.url, max: CONNECTIONS });
  // Of connections that wait in the pool while the server stops.
  pool.on('error', () => {});
  await postgresBarrier(pool).ensureSchema();
  await pool.query('create table number (id int generated always as identity primary key, value int not null)');
  return {
    xa: (options: XaOptions) => postgresXa(pool, options),
    async createNumber() {
      const { rows } = await pool.query<{ id: number }>('insert into number (value) values (0) returning id');
      const id = rows[0]?.id ?? 0;
      return {
        add: (tx: PoolClient, amount: number) =>
          tx.query('update number set value = value + $2 where id = $1', [id, amount]),
        async read(): Promise<number> {
          const found = await pool.query<{ value: number }>('select value from number where id = $1', [id]);
          return found.rows[0]?.value ?? Number.NaN;
        },
      };
    },
    prepared: async (): Promise<string[]> =>
      (await pool.query<{ gid: string }>('select gid from pg_prepared_xacts')).rows.map((row) => row.gid),
    async close(): Promise<void> {
      await pool.end();
      await server.stop();
    },
  };
}
