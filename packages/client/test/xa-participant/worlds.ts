import { startMariadb, startPostgres } from '@holdfast/testing/servers';
import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { Pool, type PoolClient } from 'pg';
import { vi } from 'vitest';
import { mysqlBarrier, mysqlXa } from '../../src/mysql2.ts';
import { postgresBarrier, postgresXa } from '../../src/pg.ts';
import type { XaOptions, XaParticipant } from '../../src/xa-participant/xa-participant.ts';

/** A private database as the suite of XA sees it. */
export interface XaWorld<Tx> {
  readonly url: string;
  readonly longestNameBytes: number;
  xa(options?: XaOptions): XaParticipant<Tx>;
  /** A separate number, initially 0. */
  createNumber(): Promise<XaNumber<Tx>>;
  /** Prepares a change of a number under a name, as another program or version would. */
  prepareAs(
    name: string,
    row: { readonly gid: string; readonly branchId: string },
    id: number,
    amount: number,
  ): Promise<void>;
  rollBack(name: string): Promise<unknown>;
  /** The names of all prepared transactions. */
  prepared(): Promise<readonly string[]>;
  /** The isolation level of the open transaction, spelled as in the barrier's options. */
  isolationOf(tx: Tx): Promise<string>;
  /** The different lock timeouts of the connections that are idle in the pool. */
  lockTimeouts(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface XaNumber<Tx> {
  readonly id: number;
  add(tx: Tx, amount: number): Promise<unknown>;
  read(): Promise<number>;
}

/** Enough for calls to meet in the database, and not in the queue for a connection. */
const CONNECTIONS = 40;

export async function openPostgresXa(): Promise<XaWorld<PoolClient>> {
  const server = await startPostgres();
  if (server === undefined) throw new Error('PostgreSQL is not installed');
  const pool = new Pool({ connectionString: server.url, max: CONNECTIONS });
  // Of connections that wait in the pool while the server stops.
  pool.on('error', () => {});
  await postgresBarrier(pool).ensureSchema();
  await pool.query('create table number (id int generated always as identity primary key, value int not null)');
  return {
    url: server.url,
    longestNameBytes: 199,
    xa: (options) => postgresXa(pool, options),
    async createNumber() {
      const { rows } = await pool.query<{ id: number }>('insert into number (value) values (0) returning id');
      const id = rows[0]?.id ?? 0;
      return {
        id,
        add: (tx, amount) => tx.query('update number set value = value + $2 where id = $1', [id, amount]),
        async read() {
          const found = await pool.query<{ value: number }>('select value from number where id = $1', [id]);
          return found.rows[0]?.value ?? Number.NaN;
        },
      };
    },
    async prepareAs(name, { gid, branchId }, id, amount) {
      const client = await pool.connect();
      await client.query('begin');
      await client.query(
        "insert into dtm_barrier.barrier (trans_type, gid, branch_id, op, barrier_id, reason) values ('workflow', $1, $2, 'action', '01', 'action')",
        [gid, branchId],
      );
      await client.query('update number set value = value + $2 where id = $1', [id, amount]);
      await client.query(`prepare transaction ${client.escapeLiteral(name)}`);
      client.release();
    },
    rollBack: (name) => pool.query(`rollback prepared '${name}'`),
    prepared: async () =>
      (await pool.query<{ gid: string }>('select gid from pg_prepared_xacts')).rows.map((r) => r.gid),
    async isolationOf(tx) {
      const text = "select current_setting('transaction_isolation') as level";
      return (await tx.query<{ level: string }>(text)).rows[0]?.level ?? '';
    },
    async lockTimeouts() {
      const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()));
      const results = clients.map((client) => client.query<{ lock_timeout: string }>('show lock_timeout'));
      const found = (await Promise.all(results)).flatMap(({ rows }) => rows.map((row) => row.lock_timeout));
      for (const client of clients) client.release();
      return [...new Set(found)];
    },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}

export async function openMysqlXa(): Promise<XaWorld<PoolConnection>> {
  const server = await startMariadb();
  if (server === undefined) throw new Error('MariaDB is not installed');
  const pool = createPool({ uri: server.url, connectionLimit: CONNECTIONS });
  await mysqlBarrier(pool).ensureSchema();
  await pool.query('create table number (id int auto_increment primary key, value int not null)');
  return {
    url: server.url,
    longestNameBytes: 64,
    xa: (options) => mysqlXa(pool, options),
    async createNumber() {
      const [{ insertId: id }] = await pool.execute<ResultSetHeader>('insert into number (value) values (0)');
      return {
        id,
        add: (tx, amount) => tx.execute('update number set value = value + ? where id = ?', [amount, id]),
        async read() {
          const [rows] = await pool.execute<RowDataPacket[]>('select value from number where id = ?', [id]);
          return Number(rows[0]?.['value']);
        },
      };
    },
    async prepareAs(name, { gid, branchId }, id, amount) {
      const connection = await pool.getConnection();
      await connection.query('xa start ?', [name]);
      await connection.query(
        "insert into dtm_barrier.barrier (trans_type, gid, branch_id, op, barrier_id, reason) values ('workflow', ?, ?, 'action', '01', 'action')",
        [gid, branchId],
      );
      await connection.query('update number set value = value + ? where id = ?', [amount, id]);
      await connection.query('xa end ?', [name]);
      await connection.query('xa prepare ?', [name]);
      connection.destroy();
    },
    rollBack: (name) => pool.query('xa rollback ?', [name]),
    prepared: async () => (await pool.query<RowDataPacket[]>('xa recover'))[0].map((row) => String(row['data'])),
    async isolationOf(tx) {
      const text =
        'select trx_isolation_level as level from information_schema.innodb_trx where trx_mysql_thread_id = ?';
      // The server refreshes this table once it has not been read for 0.1 s.
      const read = async (): Promise<string> => {
        const [[row]] = await pool.query<RowDataPacket[]>(text, [tx.threadId]);
        if (row === undefined) throw new Error('the transaction is not listed yet');
        return String(row['level']).toLowerCase();
      };
      return vi.waitFor(read, { interval: 250, timeout: 5_000 });
    },
    async lockTimeouts() {
      const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.getConnection()));
      const text = "select concat(@@session.innodb_lock_wait_timeout, ' ', @@session.lock_wait_timeout) as waits";
      const results = await Promise.all(connections.map((connection) => connection.query<RowDataPacket[]>(text)));
      for (const connection of connections) connection.release();
      return [...new Set(results.flatMap(([rows]) => rows.map((row) => String(row['waits']))))];
    },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}
