/** A transaction as dtm stores it, whatever the database. Times are ms since the epoch. */
export interface DtmGlobal {
  readonly gid: string;
  readonly transType: string;
  /** dtm's; `expired` if the database has deleted the record. */
  readonly status: string;
  readonly protocol: string;
  readonly queryPrepared: string;
  /** JSON texts; empty if there is none. */
  readonly options: string;
  readonly customData: string;
  readonly extData: string;
  readonly rollbackReason: string;
  readonly createdAtMs: number | null;
  readonly updatedAtMs: number | null;
  readonly nextCronAtMs: number | null;
  readonly nextCronIntervalSeconds: number;
  readonly owner: string;
}

/** One op of a branch as dtm stores it. */
export interface DtmBranch {
  readonly branchId: string;
  readonly op: string;
  readonly url: string;
  readonly data: Uint8Array;
  readonly status: string;
  readonly createdAtMs: number | null;
  readonly finishedAtMs: number | null;
}

/** What is known about the records beyond their contents. */
export interface DtmContext {
  /** The time of Holdfast's store. */
  readonly nowMs: number;
  /**
   * Whether dtm wrote the results of a plain saga's branches later than its status, as it does in
   * databases of SQL: after a crash of dtm some of them are missing.
   */
  readonly resultsMayBeMissing: boolean;
}

/** A transaction that is not imported. */
export class NotImportable extends Error {
  override readonly name = 'NotImportable';
}
