import type { Barrier } from '@holdfast/client';
import { BranchFailure } from '@holdfast/client/express';
import { mysqlBarrier, mysqlXa } from '@holdfast/client/mysql2';
import type { Pool, PoolConnection, RowDataPacket } from 'mysql2/promise';
import type { Amount } from './branches.ts';
import { OPENING_BALANCE } from './money.ts';
import { noBarrier } from './no-barrier.ts';

/** The arguments of the bank's work: the call, and a connection with an open transaction. */
type Call = { readonly payload: Amount };
type Sql = Pick<PoolConnection, 'query'>;

/** Ben's bank, on MariaDB: plain SQL without any knowledge of global transactions. */
export class BankB {
  readonly barrier: Barrier<PoolConnection>;
  readonly xa: Barrier<PoolConnection>;
  readonly #pool: Pool;

  constructor(pool: Pool, coordinator: string, { withoutBarrier }: { readonly withoutBarrier: boolean }) {
    this.#pool = pool;
    this.barrier = withoutBarrier ? noBarrier(pool) : mysqlBarrier(pool);
    this.xa = mysqlXa(pool, { coordinator });
  }

  readonly credit = async (call: Call, sql: Sql): Promise<void> => {
    if (await this.isClosed(sql)) throw new BranchFailure("Ben's account is closed");
    await this.#add(sql, call.payload.amount, 0);
  };

  readonly revoke = (call: Call, sql: Sql) => this.#add(sql, -call.payload.amount, 0);

  readonly announce = async (call: Call, sql: Sql): Promise<void> => {
    if (await this.isClosed(sql)) throw new BranchFailure("Ben's account is closed");
    await this.#add(sql, 0, call.payload.amount);
  };

  readonly receive = (call: Call, sql: Sql) => this.#add(sql, call.payload.amount, -call.payload.amount);

  readonly forget = (call: Call, sql: Sql) => this.#add(sql, 0, -call.payload.amount);

  /** Books an announced amount, even if the account has been closed since. */
  readonly deposit = (call: Call, sql: Sql) => this.#add(sql, call.payload.amount, 0);

  async isClosed(sql: Sql = this.#pool): Promise<boolean> {
    const [rows] = await sql.query<RowDataPacket[]>("select closed from transfer_account where name = 'ben'");
    return rows[0]?.['closed'] === 1;
  }

  async #add(sql: Sql, balance: number, announced: number): Promise<void> {
    const text = "update transfer_account set balance = balance + ?, announced = announced + ? where name = 'ben'";
    await sql.query(text, [balance, announced]);
  }

  /** Opens Ben's account, or resets it; a closed account accepts no money. */
  async open({ closed }: { readonly closed: boolean }): Promise<void> {
    await mysqlBarrier(this.#pool).ensureSchema();
    await this.#pool.query(
      `create table if not exists transfer_account
        (name varchar(64) primary key, balance int not null, announced int not null, closed bool not null) engine = innodb`,
    );
    await this.#pool.query("replace into transfer_account values ('ben', ?, 0, ?)", [OPENING_BALANCE, closed]);
  }

  async account(): Promise<{ readonly balance: number; readonly pending: number }> {
    const text = "select balance, announced from transfer_account where name = 'ben'";
    const [rows] = await this.#pool.query<RowDataPacket[]>(text);
    return { balance: Number(rows[0]?.['balance'] ?? 0), pending: Number(rows[0]?.['announced'] ?? 0) };
  }

  /** Transactions of this server that are prepared, and neither committed nor rolled back. */
  async prepared(gid: string): Promise<readonly string[]> {
    const [rows] = await this.#pool.query<RowDataPacket[]>('xa recover');
    return rows.map((row) => String(row['data'])).filter((name) => name.startsWith(gid));
  }
}
