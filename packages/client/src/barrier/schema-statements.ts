import { BarrierUnusable } from './errors.ts';

const CREATE_TABLE = /^create table if not exists (\S+)/;

/** The tables that statements of `barrierSchema` create, as they are named there. */
export const tablesCreatedBy = (statements: readonly string[]): readonly string[] =>
  statements.flatMap((statement) => CREATE_TABLE.exec(statement)?.[1] ?? []);

const ROW_COLUMNS = ['id', 'trans_type', 'gid', 'branch_id', 'op', 'barrier_id', 'reason', 'create_time'];
const RESULT_COLUMNS = ['id', 'result', 'create_time'];

/**
 * Checks that a table which was there before is that of a barrier, or of its results: another table
 * of that name would fail each call.
 *
 * @param isNoColumn whether the database reports a column that does not exist
 * @throws {BarrierUnusable} a column is missing
 */
export async function assertColumns(
  table: string,
  kind: 'rows' | 'results',
  query: (text: string) => Promise<unknown>,
  isNoColumn: (error: unknown) => boolean,
): Promise<void> {
  for (const column of kind === 'rows' ? ROW_COLUMNS : RESULT_COLUMNS)
    try {
      await query(`select ${column} from ${table} limit 0`);
    } catch (error) {
      if (!isNoColumn(error)) throw error;
      const what = kind === 'rows' ? 'a barrier table' : "the table of a barrier's results";
      throw new BarrierUnusable(
        `${table} has no column ${column}, so it is not ${what}: choose another name for the barrier table (its results are kept in the table of that name with _result appended)`,
        { cause: error },
      );
    }
}
