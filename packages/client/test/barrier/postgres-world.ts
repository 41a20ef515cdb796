import { startPostgres } from '@holdfast/testing/servers';
import * as pg from 'pg';
import type { PoolClient } from 'pg';
import { postgresBarrier, type PostgresBarrierOptions } from '../../src/pg.ts';
import type { StoredRow } from './sql-cases.ts';

/** A private PostgreSQL with a barrier table and a table of numbers. */
export type PostgresWorld = Awaited<ReturnType<typeof openPostgresWorld>>;

/** Enough for calls to meet in the database, and not in the queue for a connection. */
const CONNECTIONS = 40;

/** @param use a `pg` of any version */
export async function openPostgresWorld({ Pool }: Pick<typeof pg, 'Pool'> = pg) {
  const server = await startPostgres();
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const pool = new Pool({ connectionString: server.url, max: CONNECTIONS });
  // Of connections that wait in the pool while the server stops or is killed.
  pool.on('error', () => {});
  await Promise.all([postgresBarrier(pool).ensureSchema(), postgresBarrier(pool).ensureSchema()]);
  await pool.query('create table number (id int generated always as identity primary key, value int not null)');
  await pool.query('create table contested (value int not null)');
  await pool.query('insert into contested (value) values (0)');

  /** A separate number, initially 0, with a barrier. */
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

  const begin = async (statement = 'begin') => {
    const tx = await pool.connect();
    await tx.query(statement);
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
      const own = new Pool({ connectionString: url, max: 1 });
      own.on('error', () => {});
      return { barrier: postgresBarrier(own), close: () => own.end() };
    },
    begin: () => begin(),
    beginSerializable: () => begin('begin isolation level serializable'),
    /** The transaction's snapshot is older than the commit of the other one. */
    async loseConflict(tx: PoolClient) {
      await pool.query('update contested set value = value + 1');
      await tx.query('update contested set value = value + 1');
    },
    async rows(gid: string) {
      const columns = 'trans_type, gid, branch_id, op, barrier_id, reason';
      const found = await pool.query<StoredRow>(
        `select ${columns} from dtm_barrier.barrier where gid = $1 order by id`,
        [gid],
      );
      return found.rows;
    },
    async plant(row: StoredRow) {
      await pool.query(
        'insert into dtm_barrier.barrier (trans_type, gid, branch_id, op, barrier_id, reason) values ($1, $2, $3, $4, $5, $6)',
        [row.trans_type, row.gid, row.branch_id, row.op, row.barrier_id, row.reason],
      );
    },
    lost: () => Object.assign(new Error('lost against another transaction'), { code: '40001' }),
    lose: (tx: PoolClient) =>
      tx.query("do $$ begin raise exception 'lost against another transaction' using errcode = '40001'; end $$"),
    async restart(tx: PoolClient) {
      await tx.query('rollback');
      await tx.query('begin');
    },
    execute: (statement: string) => pool.query(statement),
    /** Its times have no default. */
    async createDtmTable(table: string) {
      await pool.query(
        `create table ${table} (id bigserial primary key, trans_type varchar(45), gid varchar(128), branch_id varchar(128), op varchar(45),
          barrier_id varchar(45), reason varchar(45), create_time timestamp(0) with time zone default null,
          update_time timestamp(0) with time zone default null, constraint uniq_${table} unique (gid, branch_id, op, barrier_id))`,
      );
    },
    /** An error that the work catches: from then on the transaction can only be rolled back. */
    breakTransaction: (tx: PoolClient) => tx.query('select 1 / 0').catch(() => {}),
    close: async () => {
      await pool.end();
      await server.stop();
    },
  };
}
