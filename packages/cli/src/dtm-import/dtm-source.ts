import type { DtmBranch, DtmGlobal } from '@holdfast/server';

/** A transaction of dtm that has not finished. */
export interface DtmFound {
  readonly global: DtmGlobal;
  readonly branches: readonly DtmBranch[];
  /** Whether an import has taken it: dtm no longer drives it. */
  readonly taken: boolean;
}

/** dtm's records in one database. */
export interface DtmSource {
  /** Where the records are, without a password. */
  readonly place: string;
  /** Whether dtm writes the results of branches later than the status here. */
  readonly resultsMayBeMissing: boolean;
  /** Signs that dtm is running, a sentence each. */
  signs(): Promise<readonly string[]>;
  /** A text that changes whenever dtm changes a record. */
  fingerprint(): Promise<string>;
  finished(): Promise<number>;
  /** Unfinished transactions in the order of their creation, page by page. */
  unfinished(): AsyncIterable<readonly DtmFound[]>;
  /**
   * Takes a transaction from dtm, if its record is still as it was read: dtm's cron no longer finds
   * it. Resolves to false if dtm has changed it, or another import has taken it.
   */
  take(found: DtmFound): Promise<boolean>;
  close(): Promise<void>;
}

/** The mark of a transaction that an import has taken. */
export const TAKEN = 'holdfast-import';

/** Transactions of one page. */
export const PAGE = 50;
