import type { BarrierRow } from './dialect.ts';

/**
 * The barrier's table is unusable: it is missing, or rejects rows. The work did not run. The
 * message describes the fix.
 */
export class BarrierUnusable extends Error {
  override readonly name = 'BarrierUnusable';
  readonly code = 'barrier_unusable';
}

/** The user of the barrier's database may not create the table, or cannot see it. */
export const missingPrivilege = (database: 'postgres' | 'mysql', table: string, cause: unknown): BarrierUnusable =>
  new BarrierUnusable(
    `The database user may not create the barrier table ${table}: as a user who may, create it with what "holdfast barrier-schema --database ${database}" prints, and grant SELECT, INSERT, UPDATE and DELETE on it and on its table of results (in PostgreSQL also USAGE on its schema)`,
    { cause },
  );

/**
 * A handler used the barrier without a number where the barrier cannot know whether it repeats the
 * previous use or continues with the next one. The work did not run. Let the error through, and the
 * coordinator calls again; or number each use: `{ ...call, use: 1 }`.
 */
export class BarrierUseUnclear extends Error {
  override readonly name = 'BarrierUseUnclear';
  readonly code = 'barrier_use_unclear';

  /** @param why the outcome of the use with that number, as a predicate */
  constructor({ gid, branchId, op }: Pick<BarrierRow, 'gid' | 'branchId' | 'op'>, use: number, why: string) {
    super(
      `Use ${use} of the barrier for ${op} of branch ${branchId} of ${gid} ${why}: number each use of the handler, { ...call, use: ${use} } to repeat that one and { ...call, use: ${use + 1} } for the next`,
    );
  }
}

/**
 * The transaction of the work ended before its commit: a database error that `work` caught had
 * rolled it back, or `work` committed it (in MySQL every schema change does). Let errors of `tx`
 * through, and leave the end of the transaction to the barrier.
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

/**
 * The result of a call that was carried out before was not kept: the result is not JSON, or its
 * JSON is too long. The work is done, and was not repeated. The outcome of the repeated call
 * contains this error; the barrier does not throw it. Pass a `codec` to `run`, or return a key to
 * the data.
 */
export class BarrierResultUnavailable extends Error {
  override readonly name = 'BarrierResultUnavailable';
  readonly code = 'barrier_result_unavailable';
  readonly why: 'too_large' | 'not_json';

  constructor({ gid, branchId, op }: Pick<BarrierRow, 'gid' | 'branchId' | 'op'>, why: 'too_large' | 'not_json') {
    const what = why === 'too_large' ? 'takes more than 16384 bytes of JSON' : 'is not JSON';
    super(
      `${op} of branch ${branchId} of ${gid} was carried out before, and its result is not kept, since it ${what}: return a key to the data, or give the barrier a codec`,
    );
    this.why = why;
  }
}
