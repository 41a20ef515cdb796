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
 * What a database must offer for a barrier: `createBarrier` makes one of it. For databases, client
 * libraries and transaction managers that have no barrier here.
 *
 * `Tx` is what the work gets to write with; `Open` is as much of it as the barrier needs for its
 * own rows.
 */
export interface BarrierDriver<Tx extends Open, Open = Tx> {
  /**
   * Where the rows are: barriers over the same pool and table count the uses of a request together.
   * Default: each driver object is a place.
   */
  readonly place?: { readonly pool: object; readonly table: string };

  /**
   * Runs `body` in a transaction of its own and commits it. A throw of `body` rolls back and is
   * thrown on as it is. A connection in doubt is not used again.
   *
   * @throws {CommitUnknown} the answer to the commit was lost
   * @throws {TransactionEnded} the transaction had ended before the commit; with its rows committed
   * or not, which `readReason` finds out. Anything else thrown
   *   means that nothing was committed, and nothing will be
   */
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;

  /**
   * Inserts, in this order, the rows that are not there yet, and says of each whether it was
   * inserted. Where another transaction has inserted a row and is not through, this waits for its
   * end. Rows that are there must be visible in the answer, whatever the transaction's isolation.
   */
  insertMissing(open: Open, rows: readonly BarrierRow[]): Promise<readonly boolean[]>;

  /**
   * Keeps the result of a call, in the transaction of its work: ASCII, 16 KiB at most. Replaces one
   * that is there. Where a result cannot be kept, the reason is, as the result of the same row with
   * a `barrierId` that ends with `-unkept`. Does nothing where the database has no place for
   * results; in no case does it end the transaction for that. Without this method no results are
   * kept.
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
