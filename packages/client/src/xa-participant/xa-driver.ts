import type { BarrierDriver } from '../barrier/driver.ts';

/** How a prepared transaction ends. */
export type XaEnd = 'commit' | 'rollback';

/** What a database must offer for a participant of XA, beside its barrier's rows. */
export interface XaDriver<Tx extends Open, Open = Tx> {
  readonly rows: BarrierDriver<Tx, Open>;
  /** How many bytes the name of a transaction may have. */
  readonly longestNameBytes: number;

  /**
   * Begins a transaction that can be prepared under that name; undefined: there is one of that
   * name, open or prepared.
   */
  open(name: string): Promise<XaConnection<Tx> | undefined>;

  /** Whether there is a prepared transaction of that name; also where it cannot be ended yet. */
  isPrepared(name: string): Promise<boolean>;

  /**
   * Ends a prepared transaction. `missing`: there is none, or none that this connection sees.
   * `busy`: somebody else is ending it.
   *
   * Anything thrown leaves open whether it ended.
   */
  end(name: string, how: XaEnd): Promise<'ended' | 'missing' | 'busy'>;

  /**
   * Runs `body`, whose statements do not wait long for the locks of others: they throw what
   * `isBlocked` knows.
   *
   * @param laterMs how long the statements after it wait for a lock at most, in ms; a shorter
   * timeout of the session stays. 0: as long as before
   */
  withShortWaits<T>(tx: Tx, laterMs: number, body: () => Promise<T>): Promise<T>;

  /** Whether a statement gave up waiting for a lock: the error itself, or a cause of it. */
  isBlocked(error: unknown): boolean;
}

/** One transaction on the way to be prepared. */
export interface XaConnection<Tx> {
  readonly tx: Tx;
  /**
   * Prepares; from then on the transaction belongs to no connection. Whatever this throws, call
   * `rollback`.
   */
  prepare(): Promise<void>;
  /**
   * Rolls back what is not prepared, and gives the connection back. Never rejects: the database
   * rolls back what has lost its connection.
   */
  rollback(): Promise<void>;
}
