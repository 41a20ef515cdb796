import { startPostgres } from '@holdfast/test-servers';
import { Pool, type PoolClient } from 'pg';
import { postgresBarrier, type PostgresBarrierOptions } from '../../src/pg.ts';

/** A private PostgreSQL with a barrier table and a table of numbers. */
export type PostgresWorld = Awaited<ReturnType<typeof openPostgresWorld>>;

/** Enough for calls to meet in the database, and not in the queue for a connection. */
const CONNECTIONS = 40;

export async function openPostgresWorld() {
  const server = await startPostgres();
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const pool = new Pool({ connectionString: server.url, max: CONNECTIONS });
  // Of connections that wait in the pool while the server stops or is killed.
  pool.on('error', () => {});
  await Promise.all([postgresBarrier(pool).ensureSchema(), postgresBarrier(pool).ensureSchema()]);
  await pool.query('create table number (id int generated always as identity primary key, value int not null)');

  /** A number of its own, which begins at 0, with a barrier. */
  async function createPlace(options: PostgresBarrierOptions = {}) {
    const { rows } = await pool.query<{ id: number }>('insert into number (value) values (0) returning id');
    const id = rows[0]?.id;
    return {
      barrier: postgresBarrier(pool, options),
      add: (tx: PoolClient, amount: number) =>
        tx.query('update number set value = value + $2 where id = $1', [id, amount]),
      read: async () => {
        const found = await pool.query<{ value: number }>('select value from number where id = $1', [id]);
        return found.rows[0]?.value ?? Number.NaN;
      },
      remove: async () => {
        await pool.query('delete from number where id = $1', [id]);
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
