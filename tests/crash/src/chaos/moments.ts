import type { DatabaseName } from './databases/chaos-database.ts';

/** The kinds of statements at which a connection can be cut. */
export type Moment = 'begin' | 'barrier' | 'commit' | 'prepare' | 'end of prepared' | 'script';

/** Recognises the requests of one connection; undefined: another request. */
export type ReadMoment = (bytes: Buffer) => Moment | undefined;

/** Requests that matter begin with their statement. */
const READ_BYTES = 400;
/** Where a packet of MySQL has its command, and two commands. */
const MYSQL_COMMAND = 4;
const COM_QUERY = 0x03;
const COM_STMT_EXECUTE = 0x17;

/** A reader for a new connection: each piece that a client sends is one request of its. */
export function readerOf(database: DatabaseName): ReadMoment {
  switch (database) {
    case 'postgres':
      return (bytes) => momentOfSql(textOf(bytes));
    case 'mysql':
      return mysqlReader();
    case 'redis':
      return (bytes) => (/\r\neval(sha)?\r\n/i.test(textOf(bytes)) ? 'script' : undefined);
  }
}

/**
 * Statements that are prepared come with their number: the first one of a transaction is the
 * barrier's.
 */
function mysqlReader(): ReadMoment {
  let begun = false;
  return (bytes) => {
    const command = bytes[MYSQL_COMMAND];
    if (begun && command === COM_STMT_EXECUTE) {
      begun = false;
      return 'barrier';
    }
    const moment = command === COM_QUERY ? momentOfSql(textOf(bytes)) : undefined;
    if (moment !== undefined) begun = moment === 'begin';
    return moment;
  };
}

const textOf = (bytes: Buffer): string => bytes.toString('latin1', 0, READ_BYTES);

const SQL: readonly (readonly [RegExp, Moment])[] = [
  [/prepare transaction |xa prepare /, 'prepare'],
  [/(?:commit|rollback) prepared |xa (?:commit|rollback) /, 'end of prepared'],
  [/insert into "?dtm_barrier"?\."?barrier"? /, 'barrier'],
  [/^Q....commit\0|commit and no chain/s, 'commit'],
  [/^Q....begin|start transaction|xa start /s, 'begin'],
];

const momentOfSql = (text: string): Moment | undefined => SQL.find(([pattern]) => pattern.test(text))?.[1];
