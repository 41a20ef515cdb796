/** The identity of a barrier row, and its contents; columns have the same names in snake case. */
export interface BarrierRow {
  readonly gid: string;
  readonly branchId: string;
  /** The op that this row prevents from being carried out again. */
  readonly op: string;
  readonly barrierId: string;
  readonly transType: string;
  /**
   * The op that wrote the row; differs from `op` if an undo came first. `again`: written by a use
   * that repeats one that lost against another transaction.
   */
  readonly reason: string;
}

/**
 * A dialect: the operations of a database that `createBarrier` builds a barrier on. Implement it
 * for databases, client libraries and transaction managers for which this package has no barrier.
 *
 * `Tx` is the handle with which the work writes; `Open` is the part of it that the barrier needs
 * for its rows.
 */
export interface BarrierDialect<Tx extends Open, Open = Tx> {
  /**
   * Where the rows are stored: barriers over the same pool and table count the uses of a request
   * together. Default: each dialect object is a separate place.
   */
  readonly place?: { readonly pool: object; readonly table: string };

  /**
   * Runs `body` in a separate transaction and commits it. An error of `body` rolls the transaction
   * back and is rethrown unchanged. A connection in an uncertain state is not reused.
   *
   * @throws {CommitUnknown} the response to the commit was lost
   * @throws {TransactionEnded} the transaction had ended before the commit; `readReason` determines
   *   whether its rows were committed. Any other error means that nothing was committed, and
   *   nothing will be
   */
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;

  /**
   * Inserts the missing rows, in this order, and resolves to a list that shows for each row whether
   * it was inserted. If another transaction has inserted a row and is still open, this waits for
   * its end. The list must reflect existing rows at any isolation level of the transaction.
   */
  insertMissing(open: Open, rows: readonly BarrierRow[]): Promise<readonly boolean[]>;

  /**
   * Stores the result of a call, in the transaction of its work: ASCII, 16 KiB at most. Replaces an
   * existing one. If a result cannot be kept, the barrier stores the reason as the result of the
   * same row with a `barrierId` that ends with `-unkept`. Does nothing if the database has no table
   * of results, and must not end the transaction for that reason. Without this method no results
   * are kept.
   */
  keepResult?(open: Open, row: BarrierRow, result: string): Promise<void>;

  /** Reads the kept result of a call whose row exists; undefined if there is none. */
  readResult?(open: Open, row: BarrierRow): Promise<string | undefined>;

  /**
   * Reads the reason of a row that was committed before this transaction began; undefined if there
   * is no such row.
   */
  readReason(open: Open, row: BarrierRow): Promise<string | undefined>;

  /**
   * Whether an error of `insertMissing` or of the commit means that the transaction lost against
   * another one (a deadlock, a serialization failure) and was rolled back for it. A transaction
   * that has not run any work yet is then repeated.
   */
  lostAgainstAnother(error: unknown): boolean;

  /**
   * Deletes rows and results older than `olderThanMs`, oldest first, at most `limit` of each, in a
   * separate transaction. Resolves to the larger of the two numbers deleted.
   */
  purge(options: BarrierPurge): Promise<number>;

  /** Creates missing tables of the barrier. Safe if several processes do so concurrently. */
  ensureSchema(): Promise<void>;
}

/** Which rows a purge deletes. */
export interface BarrierPurge {
  /** Age in ms, by the database's clock. */
  readonly olderThanMs: number;
  /** How many rows at most, from 1 to 10,000; more would be locked for long. */
  readonly limit: number;
}
