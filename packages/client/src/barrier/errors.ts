/** The barrier's own table does not serve: it is missing, or it keeps rows out. The work did not run. See the message for the mend. */
export class BarrierUnusable extends Error {
  override readonly name = 'BarrierUnusable';
  readonly code = 'barrier_unusable';
}

/** The user of the barrier's database may not create the table, or not even see it. */
export const missingPrivilege = (database: 'postgres' | 'mysql', table: string, cause: unknown): BarrierUnusable =>
  new BarrierUnusable(
    `The database user may not create the barrier table ${table}: as a user who may, create it with what "holdfast barrier-schema --database ${database}" prints, and grant SELECT, INSERT, UPDATE and DELETE on it and on its table of results (in PostgreSQL also USAGE on its schema)`,
    { cause },
  );

/**
 * The transaction of the work ended before its commit: a database error that `work` caught had rolled it back, or `work` committed by itself (in MySQL every
 * change of a schema does). Let errors of `tx` through, and leave its end to the barrier.
 */
export class TransactionEnded extends Error {
  override readonly name = 'TransactionEnded';
  readonly code = 'transaction_ended';

  constructor() {
    super(
      'The transaction behind the barrier ended before its commit: work must not catch database errors that end it, nor end it itself',
    );
  }
}
