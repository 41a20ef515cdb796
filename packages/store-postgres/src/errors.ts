import { textOfThrown } from '@holdfast/protocol';
import { StoreError } from '@holdfast/core/store';

/** How a statement that was sent failed. */
export type Failure =
  /** The server rejected the statement: nothing was applied. */
  | 'refused'
  /**
   * The statement conflicted with another: nothing was applied, and it may be sent again at once.
   */
  | 'again'
  /** The database cannot store the statement's values. */
  | 'unstorable'
  /** The statement waited too long for a lock of another connection: nothing was applied. */
  | 'locked'
  /**
   * The connection's prepared statement no longer fits the tables: nothing was applied, and a new
   * connection will work.
   */
  | 'outdated'
  /** The connection is lost or unusable; the outcome of the statement is unknown. */
  | 'lost';

const AGAIN = new Set(['40001', '40P01']);
/**
 * A prepared statement whose result changed with its table ("cached plan must not change result
 * type"), or one that the connection lacks, or has already, because another program deallocated or
 * prepared it.
 */
const OUTDATED = new Set(['0A000', '26000', '42P05']);
const LOCK_NOT_AVAILABLE = '55P03';
/**
 * Classes of SQLSTATE that one record can cause: errors raised by a trigger or a check of the
 * administrator, and damage.
 */
const OF_ONE_RECORD = new Set(['09', '21', '27', '38', '39', '44', 'P0', 'XX']);
/** Classes of SQLSTATE that stored values can cause when they are read: data exceptions, damage. */
const OF_A_STORED_RECORD = new Set(['22', 'XX']);
/**
 * Further states that stored values can cause: a value beyond a limit of the server, an unreadable
 * block of the disk.
 */
const STATES_OF_A_STORED_RECORD = new Set(['54000', '58030']);
/** Classes of SQLSTATE: data exceptions, violated constraints, limits of the database. */
const UNSTORABLE_CLASSES = new Set(['22', '23', '54']);
/**
 * Classes after which the connection may be lost: connection, resources of the machine, operator
 * intervention, system errors, internal errors.
 */
const GRAVE_CLASSES = new Set(['08', '53', '57', '58', 'XX']);

/** Classifies failures by the fields of the protocol, never by their texts. */
export function failureOf(thrown: unknown): Failure {
  const state = sqlState(thrown);
  // An error without a state is not a response of the server.
  if (state === undefined || isFatal(thrown, state)) return 'lost';
  if (AGAIN.has(state)) return 'again';
  if (OUTDATED.has(state)) return 'outdated';
  if (state === LOCK_NOT_AVAILABLE) return 'locked';
  return UNSTORABLE_CLASSES.has(state.slice(0, 2)) ? 'unstorable' : 'refused';
}

/**
 * True if the server responded but could not read a stored record. False for errors that end any
 * read: a timeout, a cancellation, a lack of memory or privileges.
 */
export function mayBeUnreadable(thrown: unknown): boolean {
  const failure = failureOf(thrown);
  const state = sqlState(thrown);
  if (state === undefined || (failure !== 'refused' && failure !== 'unstorable')) return false;
  return OF_A_STORED_RECORD.has(state.slice(0, 2)) || STATES_OF_A_STORED_RECORD.has(state);
}

/** True if the statement waited too long for a lock: nothing was applied. */
export const wasLocked = (thrown: unknown): boolean => failureOf(thrown) === 'locked';

/**
 * True if the server rejected the statement for a reason that may concern one record: nothing was
 * applied.
 */
export const mayBeOneRecord = (thrown: unknown): boolean =>
  failureOf(thrown) === 'refused' && OF_ONE_RECORD.has(sqlState(thrown)?.slice(0, 2) ?? '');

/**
 * True if the server is read-only, as after a demotion: another connection may lead to the new
 * primary.
 */
export const isReadOnly = (thrown: unknown): boolean => sqlState(thrown) === '25006';

/** The SQLSTATE of an error; undefined if the error is not a response of a server. */
export function sqlState(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || severity(thrown) === undefined) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/**
 * Whether the server closes the connection after this error, which may follow a commit. The
 * severity may be localised, so that the class of the state decides where it is not in English.
 */
function isFatal(thrown: unknown, state: string): boolean {
  const known = severity(thrown);
  return known === 'FATAL' || known === 'PANIC' || (known !== 'ERROR' && GRAVE_CLASSES.has(state.slice(0, 2)));
}

function severity(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('severity' in thrown)) return undefined;
  return typeof thrown.severity === 'string' ? thrown.severity : undefined;
}

/**
 * The text of an error. If the password is missing, `pg` reports the type of an internal variable,
 * which is replaced.
 */
export function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return textOfThrown(thrown);
  return thrown.message.includes('client password must be a string')
    ? 'the server demands a password; put USER:PASSWORD@ before the host of the URL, or set PGPASSWORD'
    : thrown.message;
}

/** An `unavailable` error with the place and the cause. */
export const unavailable = (place: string, what: string, thrown: unknown): StoreError =>
  new StoreError('unavailable', `PostgreSQL at ${place} ${what}: ${textOf(thrown)}`, thrown);
