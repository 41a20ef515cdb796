import type { Barrier } from '@holdfast/client';
import { BranchFailure } from '@holdfast/client/express';
import { postgresBarrier, postgresXa } from '@holdfast/client/pg';
import type pg from 'pg';
import type { Amount } from './branches.ts';
import { OPENING_BALANCE } from './money.ts';

/** The arguments of the bank's work: the call, and a connection with an open transaction. */
type Call = { readonly payload: Amount };
type Sql = Pick<pg.PoolClient, 'query'>;

/** Ana's bank, on PostgreSQL: plain SQL without any knowledge of global transactions. */
export class BankA {
  readonly barrier: Barrier<pg.PoolClient>;
  readonly xa: Barrier<pg.PoolClient>;
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool, coordinator: string) {
    this.#pool = pool;
    this.barrier = postgresBarrier(pool);
    this.xa = postgresXa(pool, { coordinator });
  }

  readonly debit = async ({ payload: { amount } }: Call, sql: Sql): Promise<void> => {
    const { rowCount } = await sql.query(
      "update transfer_account set balance = balance - $1 where name = 'ana' and balance >= $1",
      [amount],
    );
    if (rowCount === 0) throw new BranchFailure('Ana has too little money');
  };

  readonly refund = (call: Call, sql: Sql) => this.#add(sql, call.payload.amount, 0);

  readonly hold = async (call: Call, sql: Sql): Promise<void> => {
    await this.debit(call, sql);
    await this.#add(sql, 0, call.payload.amount);
  };

  readonly spend = (call: Call, sql: Sql) => this.#add(sql, 0, -call.payload.amount);

  readonly release = (call: Call, sql: Sql) => this.#add(sql, call.payload.amount, -call.payload.amount);

  async #add(sql: Sql, balance: number, held: number): Promise<void> {
    const text = "update transfer_account set balance = balance + $1, held = held + $2 where name = 'ana'";
    await sql.query(text, [balance, held]);
  }

  /** Opens Ana's account, or resets it. */
  async open(): Promise<void> {
    await postgresBarrier(this.#pool).ensureSchema();
    await this.#pool.query(`
      create table if not exists transfer_account (name text primary key, balance int not null check (balance >= 0), held int not null);
      insert into transfer_account values ('ana', ${OPENING_BALANCE}, 0)
        on conflict (name) do update set balance = excluded.balance, held = excluded.held;
    `);
  }

  async account(): Promise<{ readonly balance: number; readonly pending: number }> {
    const text = "select balance, held as pending from transfer_account where name = 'ana'";
    const { rows } = await this.#pool.query<{ balance: number; pending: number }>(text);
    return rows[0] ?? { balance: 0, pending: 0 };
  }

  /** Transactions of this database that are prepared, and neither committed nor rolled back. */
  async prepared(gid: string): Promise<readonly string[]> {
    const text = 'select gid from pg_prepared_xacts where database = current_database() and starts_with(gid, $1)';
    const { rows } = await this.#pool.query<{ gid: string }>(text, [gid]);
    return rows.map((row) => row.gid);
  }
}
