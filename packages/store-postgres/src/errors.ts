import { StoreError } from '@holdfast/core';

/** What went wrong with a statement that was sent. */
export type Failure =
  /** The server refused it: nothing of it was applied. */
  | 'refused'
  /** It stood in another's way: nothing was applied, and it may be sent again at once. */
  | 'again'
  /** What it carries cannot be stored. */
  | 'unstorable'
  /** It waited too long for a lock of another connection: nothing was applied. */
  | 'locked'
  /**
   * What the connection has prepared does not fit the tables any more: nothing was applied, and a
   * new connection can.
   */
  | 'outdated'
  /** The connection is gone, or of no use any more. Nothing says what became of the statement. */
  | 'lost';

const AGAIN = new Set(['40001', '40P01']);
/**
 * A prepared statement whose result changed with its table ("cached plan must not change result
 * type"); one that the connection does not have, or has already, since another program deallocated
 * or prepared it.
 */
const OUTDATED = new Set(['0A000', '26000', '42P05']);
const LOCK_NOT_AVAILABLE = '55P03';
/**
 * Classes of SQLSTATE that one record can cause: what a trigger or a check of the administrator's
 * raises, and what is damaged.
 */
const OF_ONE_RECORD = new Set(['09', '21', '27', '38', '39', '44', 'P0', 'XX']);
/**
 * Classes of SQLSTATE that what a record stores can cause when it is read: data exceptions, damage.
 */
const OF_A_STORED_RECORD = new Set(['22', 'XX']);
/**
 * The same, by state: a value beyond a limit of the server, a block of the disk that cannot be
 * read.
 */
const STATES_OF_A_STORED_RECORD = new Set(['54000', '58030']);
/** Classes of SQLSTATE: data exceptions, broken constraints, limits of the database. */
const UNSTORABLE_CLASSES = new Set(['22', '23', '54']);
/** Classes after which the connection may be gone: of the connection, of the machine's resources, of operators, of the system, of defects. */
const GRAVE_CLASSES = new Set(['08', '53', '57', '58', 'XX']);

/** Tells failures apart by what the protocol says, never by their texts. */
export function failureOf(thrown: unknown): Failure {
  const state = sqlState(thrown);
  // Without a state it is no answer of the server's.
  if (state === undefined || isFatal(thrown, state)) return 'lost';
  if (AGAIN.has(state)) return 'again';
  if (OUTDATED.has(state)) return 'outdated';
  if (state === LOCK_NOT_AVAILABLE) return 'locked';
  return UNSTORABLE_CLASSES.has(state.slice(0, 2)) ? 'unstorable' : 'refused';
}

/**
 * True when the server is there and could not read what one record stores. False for what ends any
 * read, whatever it reads: a timeout, a cancellation, a lack of memory or of privileges.
 */
export function mayBeUnreadable(thrown: unknown): boolean {
  const failure = failureOf(thrown);
  const state = sqlState(thrown);
  if (state === undefined || (failure !== 'refused' && failure !== 'unstorable')) return false;
  return OF_A_STORED_RECORD.has(state.slice(0, 2)) || STATES_OF_A_STORED_RECORD.has(state);
}

/** True when the statement waited too long for a lock: nothing of it was applied. */
export const wasLocked = (thrown: unknown): boolean => failureOf(thrown) === 'locked';

/**
 * True when the server refused the statement for a reason that may be one record's: nothing of it
 * was applied.
 */
export const mayBeOneRecord = (thrown: unknown): boolean =>
  failureOf(thrown) === 'refused' && OF_ONE_RECORD.has(sqlState(thrown)?.slice(0, 2) ?? '');

/** True when the server serves reads only, as one does that was demoted: another connection may lead to its successor. */
export const isReadOnly = (thrown: unknown): boolean => sqlState(thrown) === '25006';

/** The five characters by which PostgreSQL names what happened; undefined for what is no answer of a server. */
export function sqlState(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || severity(thrown) === undefined) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** After such an answer the connection is closed; it may follow a commit. The server may be set to say it in another language than English. */
function isFatal(thrown: unknown, state: string): boolean {
  const said = severity(thrown);
  return said === 'FATAL' || said === 'PANIC' || (said !== 'ERROR' && GRAVE_CLASSES.has(state.slice(0, 2)));
}

function severity(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('severity' in thrown)) return undefined;
  return typeof thrown.severity === 'string' ? thrown.severity : undefined;
}

/** The text of what was thrown. Without a password `pg` reports the type of its own variable. */
export function textOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.includes('client password must be a string')
    ? 'the server demands a password; put USER:PASSWORD@ before the host of the URL, or set PGPASSWORD'
    : text;
}

/** An `unavailable` that says where, and why. */
export const unavailable = (place: string, what: string, thrown: unknown): StoreError =>
  new StoreError('unavailable', `PostgreSQL at ${place} ${what}: ${textOf(thrown)}`, thrown);
