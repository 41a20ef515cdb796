import { setTimeout as delay } from 'node:timers/promises';
import { type IsolationLevel, postgresBarrier, postgresXa } from '@holdfast/client/pg';
import { Pool, type PoolClient } from 'pg';
import { deltaOf, type Ledger, type Loss } from './ledger.ts';

const LOSSES: Readonly<Record<string, Loss>> = {
  '40P01': 'deadlock',
  '40001': 'serialization failure',
  '55P03': 'lock wait timeout',
};

const CONNECTIONS = 24;

/** Name of the sessions that a run ends at random. */
export const APPLICATION = 'chaos';

/** @param url through the proxy @param directUrl past it */
export function openPostgresLedger(url: string, directUrl: string, isolation: IsolationLevel): Ledger<PoolClient> {
  const pool = poolOf(url, APPLICATION, CONNECTIONS);
  const operator = poolOf(directUrl, 'operator', 1);
  return {
    barrier: postgresBarrier(pool, { isolation }),
    xa: postgresXa(pool),
    async apply(tx, { gid, step, op, changes }, holdMs) {
      for (const [index, { account, amount }] of changes.entries()) {
        if (index === 1) await delay(holdMs);
        const { balance, frozen } = deltaOf(op, amount);
        // Read first: what a serializable transaction reads may conflict as well.
        await tx.query('select balance from account where id = $1', [account]);
        const change = 'update account set balance = balance + $1, frozen = frozen + $2 where id = $3';
        await tx.query(change, [balance, frozen, account]);
      }
      const insert = 'insert into entry (gid, step, op, changes) values ($1, $2, $3, $4)';
      await tx.query(insert, [gid, step, op, JSON.stringify(changes)]);
    },
    async terminate(tx) {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await operator.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    },
    lossOf: (error) => (error instanceof Error && 'code' in error ? LOSSES[String(error.code)] : undefined),
  };
}

function poolOf(connectionString: string, name: string, max: number): Pool {
  const pool = new Pool({ connectionString, max, application_name: name, connectionTimeoutMillis: 5_000 });
  // An idle connection that breaks is replaced when the next one is needed.
  pool.on('error', () => undefined);
  return pool;
}
