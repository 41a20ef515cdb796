import type { PoolConnection, ResultSetHeader } from 'mysql2/promise';
import { CommitUnknown } from './barrier.ts';
import { TransactionEnded } from './errors.ts';
import type { PooledConnection } from './transaction.ts';

/** What a server says with each answer about the connection: whether a transaction is open. */
const IN_TRANSACTION = 1;
/** A deadlock, which a cluster may find at the commit: rolled back. Of any other error it is not certain that nothing was committed. */
const REFUSED_COMMIT = 1213;

/** With `completion_type`, a session may begin another transaction at each end of one, or close: not here. */
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
      // Whatever the defaults of the session are.
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
  // A deadlock rolls the whole transaction back. If the work caught that, what it wrote afterwards was committed statement by statement, without the
  // barrier's rows, and the commit would be none. So ask first.
  const [answer] = await connection.query<ResultSetHeader>('do 0');
  if ((answer.serverStatus & IN_TRANSACTION) === 0) throw new TransactionEnded();
  try {
    await connection.query(COMMIT);
  } catch (error) {
    throw errnoOf(error) === REFUSED_COMMIT ? error : new CommitUnknown(error);
  }
}

/** The number of a server's error; undefined for any other. */
export const errnoOf = (error: unknown): unknown =>
  error instanceof Error && 'sqlState' in error && 'errno' in error ? error.errno : undefined;
