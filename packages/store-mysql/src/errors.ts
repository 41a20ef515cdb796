import { StoreError } from '@holdfast/core';

/** What went wrong with a call that was sent. */
export type Failure =
  /** The server refused it before its commit: nothing of it was applied. */
  | 'refused'
  /** It stood in another's way: nothing was applied, and it may be sent again at once. */
  | 'again'
  /** What it carries cannot be stored. */
  | 'unstorable'
  /** The connection is gone, or the commit itself failed or was interrupted. Nothing says what became of the call. */
  | 'lost';

/** Numbers of the server's errors, as both MariaDB and MySQL have them. */
const DEADLOCK = 1213;
const LOST = new Set([
  1053 /* shutdown */, 1152 /* aborted */, 1158, 1159, 1160, 1161 /* packets lost */, 1180 /* commit failed */,
  1184 /* aborted */, 1317, 1969, 3024 /* interrupted, maybe while it waited for its commit */, 1927 /* killed */,
  3169 /* killed */, 4031 /* idle for too long */,
]);
const READ_ONLY = new Set([1290, 1792, 1836]);
const TOO_LARGE = 1153;
/** Classes of SQLSTATE: data exceptions, broken constraints. */
const UNSTORABLE_CLASSES = new Set(['22', '23']);
const TOO_LONG_BLOB = new Set([1118 /* row */, 1406 /* column */]);

/** Tells failures apart by their numbers, never by their texts. */
export function failureOf(thrown: unknown): Failure {
  const error = serverError(thrown);
  if (error === undefined || LOST.has(error.errno)) return 'lost';
  if (error.errno === DEADLOCK) return 'again';
  const unstorable =
    error.errno === TOO_LARGE || TOO_LONG_BLOB.has(error.errno) || UNSTORABLE_CLASSES.has(error.sqlState.slice(0, 2));
  return unstorable ? 'unstorable' : 'refused';
}

const LOCK_WAIT_TIMEOUT = 1205;
/** What one record can cause: what a trigger of the administrator's raises, and what is damaged. */
const OF_ONE_RECORD = new Set([1644 /* signal */, 1643, 1642, 1034, 1194, 1712, 1877 /* damaged */]);

/**
 * What a page that is damaged, or a disk that cannot be read, causes; and what a stored value causes
 * that is not of its character set.
 */
const OF_A_STORED_RECORD = new Set([
  1030 /* engine */, 1034 /* damaged index */, 1194, 1712, 1877 /* damaged table */, 1296 /* engine */,
  1815 /* internal */, 1300, 1366, 3854 /* character set */,
]);

/**
 * True when the server is there and could not read what one record stores. False for what ends any
 * read, whatever it reads.
 */
export const mayBeUnreadable = (thrown: unknown): boolean => OF_A_STORED_RECORD.has(serverError(thrown)?.errno ?? 0);

/** True when the call waited too long for a lock: nothing of it was applied. */
export const wasLocked = (thrown: unknown): boolean => serverError(thrown)?.errno === LOCK_WAIT_TIMEOUT;

/**
 * True when the server refused the call for a reason that may be one record's: nothing of it was
 * applied.
 */
export const mayBeOneRecord = (thrown: unknown): boolean => OF_ONE_RECORD.has(serverError(thrown)?.errno ?? 0);

/** True when the server serves reads only, as one does that was demoted: another connection may lead to its successor. */
export const isReadOnly = (thrown: unknown): boolean => READ_ONLY.has(serverError(thrown)?.errno ?? 0);

/** True when the server closes the connection after such an answer, or may. */
export const endsConnection = (thrown: unknown): boolean =>
  failureOf(thrown) === 'lost' || isReadOnly(thrown) || serverError(thrown)?.errno === TOO_LARGE;

/** The number of a server's error; undefined for any other. */
export const errnoOf = (thrown: unknown): number | undefined => serverError(thrown)?.errno;

/** An answer of the server; undefined for what is none. */
function serverError(thrown: unknown): { readonly errno: number; readonly sqlState: string } | undefined {
  if (!(thrown instanceof Error) || !('errno' in thrown) || !('sqlState' in thrown)) return undefined;
  const { errno, sqlState } = thrown;
  return typeof errno === 'number' && typeof sqlState === 'string' ? { errno, sqlState } : undefined;
}

/** The text of what was thrown. */
export const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** An `unavailable` that says where, and why. */
export const unavailable = (place: string, what: string, thrown: unknown): StoreError =>
  new StoreError(
    'unavailable',
    `the database at ${place} ${what}: ${textOf(thrown)}${isReadOnly(thrown) ? '; connect to the primary, or set read_only=OFF' : ''}`,
    thrown,
  );
