import { StoreError } from '@holdfast/core/store';

/** How a call that was sent failed. */
export type Failure =
  /** The server rejected the call before its commit: nothing was applied. */
  | 'refused'
  /** The call conflicted with another: nothing was applied, and it may be sent again at once. */
  | 'again'
  /** The database cannot store the call's values. */
  | 'unstorable'
  /**
   * The connection is lost, or the commit itself failed or was interrupted; the outcome of the call
   * is unknown.
   */
  | 'lost';

/** Error numbers of the server, which MariaDB and MySQL share. */
const DEADLOCK = 1213;
const LOST = new Set([
  1053 /* shutdown */, 1152 /* aborted */, 1158, 1159, 1160, 1161 /* packets lost */, 1180 /* commit failed */,
  1184 /* aborted */, 1317, 1969, 3024 /* interrupted, maybe while it waited for its commit */, 1927 /* killed */,
  3169 /* killed */, 4031 /* idle for too long */,
]);
const READ_ONLY = new Set([1290, 1792, 1836]);
const TOO_LARGE = 1153;
/** Classes of SQLSTATE: data exceptions, violated constraints. */
const UNSTORABLE_CLASSES = new Set(['22', '23']);
const TOO_LONG_BLOB = new Set([1118 /* row */, 1406 /* column */]);

/** Classifies failures by their numbers, never by their texts. */
export function failureOf(thrown: unknown): Failure {
  const error = serverError(thrown);
  if (error === undefined || LOST.has(error.errno)) return 'lost';
  if (error.errno === DEADLOCK) return 'again';
  const unstorable =
    error.errno === TOO_LARGE || TOO_LONG_BLOB.has(error.errno) || UNSTORABLE_CLASSES.has(error.sqlState.slice(0, 2));
  return unstorable ? 'unstorable' : 'refused';
}

const LOCK_WAIT_TIMEOUT = 1205;
/** Errors of a table or an index that the server has found damaged. */
const DAMAGED = [1034, 1194, 1712, 1877] as const;
/** Errors that one record can cause: raised by a trigger of the administrator, or by damage. */
const OF_ONE_RECORD: ReadonlySet<number> = new Set([1644 /* signal */, 1643, 1642, ...DAMAGED]);

/**
 * Errors caused by a damaged page or an unreadable disk, or by a stored value that violates its
 * character set.
 */
const OF_A_STORED_RECORD: ReadonlySet<number> = new Set([
  ...DAMAGED,
  ...[1030 /* engine */, 1296 /* engine */, 1815 /* internal */, 1300, 1366, 3854 /* character set */],
]);

/**
 * True if the server responded but could not read a stored record. False for errors that end any
 * read.
 */
export const mayBeUnreadable = (thrown: unknown): boolean => OF_A_STORED_RECORD.has(serverError(thrown)?.errno ?? 0);

/** True if the call waited too long for a lock: nothing was applied. */
export const wasLocked = (thrown: unknown): boolean => serverError(thrown)?.errno === LOCK_WAIT_TIMEOUT;

/**
 * True if the server rejected the call for a reason that may concern one record: nothing was
 * applied.
 */
export const mayBeOneRecord = (thrown: unknown): boolean => OF_ONE_RECORD.has(serverError(thrown)?.errno ?? 0);

/**
 * True if the server is read-only, as after a demotion: another connection may lead to the new
 * primary.
 */
export const isReadOnly = (thrown: unknown): boolean => READ_ONLY.has(serverError(thrown)?.errno ?? 0);

/** True if the server closes the connection after this error, or may. */
export const endsConnection = (thrown: unknown): boolean =>
  failureOf(thrown) === 'lost' || isReadOnly(thrown) || serverError(thrown)?.errno === TOO_LARGE;

/** The number of a server's error; undefined for any other error. */
export const errnoOf = (thrown: unknown): number | undefined => serverError(thrown)?.errno;

/** The error as a response of the server; undefined if it is not one. */
function serverError(thrown: unknown): { readonly errno: number; readonly sqlState: string } | undefined {
  if (!(thrown instanceof Error) || !('errno' in thrown) || !('sqlState' in thrown)) return undefined;
  const { errno, sqlState } = thrown;
  return typeof errno === 'number' && typeof sqlState === 'string' ? { errno, sqlState } : undefined;
}

/** The text of an error. */
export const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** What to do about an error; empty for an error whose text describes it. */
function fixOf(thrown: unknown): string {
  if (isReadOnly(thrown)) return '; connect to the primary, or set read_only=OFF';
  return DAMAGED.some((errno) => errno === serverError(thrown)?.errno)
    ? '; restore the table from a backup or a replica: once the server has met a damaged page on an insert, it rejects everything about the table (docs/stores-mysql.md)'
    : '';
}

/** An `unavailable` error with the place and the cause. */
export const unavailable = (place: string, what: string, thrown: unknown): StoreError =>
  new StoreError('unavailable', `the database at ${place} ${what}: ${textOf(thrown)}${fixOf(thrown)}`, thrown);
