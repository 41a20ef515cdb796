/** A connection from a pool, for one transaction. */
export interface PooledConnection<Tx> {
  readonly tx: Tx;
  begin(): Promise<void>;
  /**
   * @throws {CommitUnknown} the answer was lost
   * @throws {TransactionEnded} the transaction was over before
   * @throws whatever the database said for not committing
   */
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** @param reusable whether it goes back to the pool; else it is closed, by which the database rolls back what may be open */
  release(reusable: boolean): void;
}

/** Runs `body` in a transaction and commits; a throw of `body` rolls back. Only a connection whose transaction is certain to be over is used again. */
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
    // What the rollback itself has to say matters less than why there is one; without its answer the connection is closed.
    await connection.rollback().then(rolledBack, () => {});
    throw thrown;
  }
}
