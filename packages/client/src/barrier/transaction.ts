/** A connection from a pool, for one transaction. */
export interface PooledConnection<Tx> {
  readonly tx: Tx;
  begin(): Promise<void>;
  /**
   * @throws {CommitUnknown} the response was lost
   * @throws {TransactionEnded} the transaction had ended before the commit
   * @throws the database's error, if it rejected the commit
   */
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /**
   * @param reusable whether the connection returns to the pool; otherwise it is closed, so that the
   *   database rolls back what may be open
   */
  release(reusable: boolean): void;
}

/**
 * Runs `body` in a transaction and commits; if `body` throws, rolls back. A connection is reused
 * only if its transaction has certainly ended.
 */
export async function inTransaction<Tx, T>(connection: PooledConnection<Tx>, body: (tx: Tx) => Promise<T>): Promise<T> {
  let over = false;
  try {
    await connection.begin();
    const value = await bodyOrRollback(connection, body, () => (over = true));
    await connection.commit();
    over = true;
    return value;
  } finally {
    connection.release(over);
  }
}

async function bodyOrRollback<Tx, T>(
  connection: PooledConnection<Tx>,
  body: (tx: Tx) => Promise<T>,
  rolledBack: () => void,
): Promise<T> {
  try {
    return await body(connection.tx);
  } catch (thrown) {
    // An error of the rollback matters less than its cause; without a response to it the connection
    // is closed.
    await connection.rollback().then(rolledBack, () => {});
    throw thrown;
  }
}
