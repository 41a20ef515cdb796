import type { PoolConnection, ResultSetHeader } from 'mysql2/promise';
import { CommitUnknown } from './barrier.ts';
import { TransactionEnded } from './errors.ts';
import type { PooledConnection } from './transaction.ts';

/** The status flag in each response of the server that shows whether a transaction is open. */
const IN_TRANSACTION = 1;
/**
 * A deadlock, which a cluster may detect at the commit: rolled back. After any other error the
 * outcome is uncertain.
 */
const REFUSED_COMMIT = 1213;

/**
 * With `completion_type`, a session may begin another transaction at each end of one, or close;
 * this statement prevents both.
 */
const COMMIT = 'commit and no chain no release';
const ROLLBACK = 'rollback and no chain no release';

/** A connection of a `mysql2` pool, for one transaction. */
export function mysqlConnection(
  connection: PoolConnection,
  isolation: string | undefined,
): PooledConnection<PoolConnection> {
  return {
    tx: connection,
    begin: async () => {
      if (isolation !== undefined) await connection.query(`set transaction isolation level ${isolation}`);
      // Independent of the session's defaults.
      await connection.query('start transaction read write');
    },
    commit: () => commit(connection),
    rollback: async () => {
      await connection.query(ROLLBACK);
    },
    release: (reusable) => {
      if (reusable) connection.release();
      else connection.destroy();
    },
  };
}

async function commit(connection: PoolConnection): Promise<void> {
  // A deadlock rolls the whole transaction back. If the work caught that error, its later writes
  // were committed statement by statement, without the barrier's rows, and the commit would have no
  // effect. So the state is checked first.
  const [result] = await connection.query<ResultSetHeader>('do 0');
  if ((result.serverStatus & IN_TRANSACTION) === 0) throw new TransactionEnded();
  try {
    await connection.query(COMMIT);
  } catch (error) {
    throw errnoOf(error) === REFUSED_COMMIT ? error : new CommitUnknown(error);
  }
}

/** The number of a server's error; undefined for any other error. */
export const errnoOf = (error: unknown): unknown =>
  error instanceof Error && 'sqlState' in error && 'errno' in error ? error.errno : undefined;
