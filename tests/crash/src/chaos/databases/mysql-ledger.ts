import { setTimeout as delay } from 'node:timers/promises';
import { type IsolationLevel, mysqlBarrier, mysqlXa } from '@holdfast/client/mysql2';
import { createPool, type PoolConnection, type RowDataPacket } from 'mysql2/promise';
import { deltaOf, type Ledger, type Loss } from './ledger.ts';

const LOSSES: Readonly<Record<number, Loss>> = {
  1213: 'deadlock',
  1020: 'serialization failure',
  1205: 'lock wait timeout',
};

const CONNECTIONS = 24;

/** @param url through the proxy @param directUrl past it */
export function openMysqlLedger(url: string, directUrl: string, isolation: IsolationLevel): Ledger<PoolConnection> {
  const pool = createPool({ uri: url, connectionLimit: CONNECTIONS, connectTimeout: 5_000 });
  const operator = createPool({ uri: directUrl, connectionLimit: 1 });
  return {
    barrier: mysqlBarrier(pool, { isolation }),
    xa: mysqlXa(pool),
    async apply(tx, { gid, step, op, changes }, holdMs) {
      for (const [index, { account, amount }] of changes.entries()) {
        if (index === 1) await delay(holdMs);
        const { balance, frozen } = deltaOf(op, amount);
        const change = 'update account set balance = balance + ?, frozen = frozen + ? where id = ?';
        await tx.execute(change, [balance, frozen, account]);
      }
      const insert = 'insert into entry (gid, step, op, changes) values (?, ?, ?, ?)';
      await tx.execute(insert, [gid, step, op, JSON.stringify(changes)]);
    },
    async terminate(tx) {
      const [rows] = await tx.query<RowDataPacket[]>('select connection_id() as id');
      await operator.query(`kill ${Number(rows[0]?.['id'])}`);
    },
    lossOf: (error) =>
      error instanceof Error && 'errno' in error && 'sqlState' in error ? LOSSES[Number(error.errno)] : undefined,
  };
}
