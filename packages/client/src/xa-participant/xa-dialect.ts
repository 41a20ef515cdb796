import type { BarrierDialect } from '../barrier/dialect.ts';

/** How a prepared transaction ends. */
export type XaEnd = 'commit' | 'rollback';

/** The dialect of a database for a participant of XA, beside that of its barrier's rows. */
export interface XaDialect<Tx extends Open, Open = Tx> {
  readonly rows: BarrierDialect<Tx, Open>;
  /** The longest name of a transaction, in bytes. */
  readonly longestNameBytes: number;

  /**
   * Begins a transaction that can be prepared under that name; undefined: a transaction of that
   * name exists, open or prepared.
   */
  open(name: string): Promise<XaConnection<Tx> | undefined>;

  /** Whether a prepared transaction of that name exists, even if it cannot be ended yet. */
  isPrepared(name: string): Promise<boolean>;

  /**
   * Ends a prepared transaction. `missing`: the transaction does not exist, or is not visible to
   * this connection. `busy`: another session is ending it.
   *
   * After an error it is unknown whether the transaction ended.
   */
  end(name: string, how: XaEnd): Promise<'ended' | 'missing' | 'busy'>;

  /**
   * Runs `body` with a short lock timeout: a statement that waits longer throws an error that
   * `isBlocked` recognises.
   *
   * @param laterMs the lock timeout of later statements, in ms; a shorter timeout of the session
   *   stays. 0: unchanged
   */
  withShortWaits<T>(tx: Tx, laterMs: number, body: () => Promise<T>): Promise<T>;

  /** Whether the error, or a cause of it, is a lock timeout of a statement. */
  isBlocked(error: unknown): boolean;
}

/** One transaction that is to be prepared. */
export interface XaConnection<Tx> {
  readonly tx: Tx;
  /**
   * Prepares the transaction, which from then on belongs to no connection. If this throws, call
   * `rollback`.
   */
  prepare(): Promise<void>;
  /**
   * Rolls back the unprepared transaction, and releases the connection. Never rejects: the database
   * rolls back a transaction whose connection is lost.
   */
  rollback(): Promise<void>;
}
