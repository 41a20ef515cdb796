const CREATE_TABLE = /^create table if not exists (\S+)/;

/** The tables that statements of `barrierSchema` create, as they are named there. */
export const tablesCreatedBy = (statements: readonly string[]): readonly string[] =>
  statements.flatMap((statement) => CREATE_TABLE.exec(statement)?.[1] ?? []);
