import type { RequestListener } from 'node:http';
import { type Barrier, BranchFailure, LocalTransactionRefused } from '@holdfast/client';
import { redisBarrier } from '@holdfast/client/ioredis';
import { mysqlBarrier } from '@holdfast/client/mysql2';
import { branch, checkBack } from '@holdfast/client/node-http';
import { postgresBarrier } from '@holdfast/client/pg';
import { Redis } from 'ioredis';
import mysql, { type ResultSetHeader } from 'mysql2/promise';
import pg from 'pg';

/** The requested change of an account that the Go cases opened. */
interface Change {
  readonly account: string;
  readonly amount: number;
}

/** Where accounts are kept, with this participant's endpoints for it, by name. */
export interface Place {
  readonly endpoints: Readonly<Record<string, RequestListener>>;
  close(): Promise<void>;
}

export async function mariadbPlace(url: string): Promise<Place> {
  const pool = mysql.createPool(url);
  const barrier = mysqlBarrier(pool);
  await barrier.ensureSchema();
  const endpoints = endpointsOf(barrier, async (tx, { account, amount }) => {
    const text = 'update account set balance = balance + ? where id = ? and balance + ? >= 0';
    const [{ affectedRows }] = await tx.execute<ResultSetHeader>(text, [amount, account, amount]);
    if (affectedRows === 0) throw new BranchFailure(`account ${account} has not enough money`);
  });
  return { endpoints, close: () => pool.end() };
}

export async function postgresPlace(url: string): Promise<Place> {
  const pool = new pg.Pool({ connectionString: url });
  // Of connections that wait in the pool while the server stops.
  pool.on('error', () => {});
  const barrier = postgresBarrier(pool);
  await barrier.ensureSchema();
  const endpoints = endpointsOf(barrier, async (tx, { account, amount }) => {
    const text = 'update account set balance = balance + $2 where id = $1 and balance + $2 >= 0';
    const { rowCount } = await tx.query(text, [account, amount]);
    if (rowCount === 0) throw new BranchFailure(`account ${account} has not enough money`);
  });
  return { endpoints, close: () => pool.end() };
}

export function redisPlace(url: string): Place {
  const redis = new Redis(url);
  const endpoints = endpointsOf(redisBarrier(redis), (tx, { account, amount }) => {
    tx.call('INCRBY', account, amount);
  });
  return {
    endpoints,
    close: async () => {
      await redis.quit();
    },
  };
}

function endpointsOf<Tx>(
  barrier: Barrier<Tx>,
  change: (tx: Tx, what: Change) => void | Promise<void>,
): Place['endpoints'] {
  const listeners = {
    change: branch<Change, Tx>(barrier, ({ payload }, tx) => change(tx, payload)),
    /** The barrier twice in one request. */
    'change-twice': branch<Change>(async (call) => {
      await barrier.run(call, (tx) => change(tx, call.payload));
      await barrier.run(call, (tx) => change(tx, call.payload));
    }),
    /** The local transaction of a message. */
    message: branch<Change>(async ({ gid, payload }) => {
      try {
        await barrier.message(gid, (tx) => change(tx, payload));
      } catch (error) {
        throw error instanceof LocalTransactionRefused ? new BranchFailure(error.message) : error;
      }
    }),
    check: checkBack(barrier),
  };
  return Object.fromEntries(
    Object.entries(listeners).map(([name, serve]) => [name, (request, response) => void serve(request, response)]),
  );
}
