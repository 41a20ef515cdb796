import { STORE_LIMITS, StoreError } from '@holdfast/core/store';
import type { Row } from './call.ts';
import { string } from './records.ts';
import { bytes } from './sql.ts';

/**
 * How long a statement waits for a row or a table that another connection has locked: well within a
 * lease. Nodes hold locks only briefly, so a longer wait is caused by another program, or by a
 * frozen node.
 */
const LOCK_WAIT_S = 3;
/** No limit, as the server writes it. */
const NO_LIMIT = '18446744073709551615';
/** How long an idle session is kept, so that a batch does not find a closed connection. */
const IDLE_S = 28_800;

/** Bytes that any other character set, a proxy or an escape mode would change. */
const PROBE = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));

/**
 * All settings on which the statements of this store rely. A server, a proxy or `init_connect` may
 * have changed the default of each for new sessions, so that every one is set.
 */
const SETTINGS = [
  // Statements are timed out by the node: a timeout of the server may end a call in the middle of
  // its commit. The comments are code to MariaDB or to MySQL.
  `set session wait_timeout = ${IDLE_S}
    /*M!100101 , session max_statement_time = 0 */ /*!80000 , session max_execution_time = 0 */`,
  // Texts and bodies are sent and read as bytes. The handshake requests that too, but a server may
  // ignore it.
  'set names binary',
  `set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES'`,
  // MariaDB would convert a long list of keys to a join, which may be planned as a scan; to MySQL
  // this is a comment.
  `set session time_zone = '+00:00' /*M!100300 , session in_predicate_conversion_threshold = 0 */`,
  // The server waits for the lock of a table for a day or a year by default, after which it would
  // carry out a call that its node has abandoned.
  `set session innodb_lock_wait_timeout = ${LOCK_WAIT_S}, session lock_wait_timeout = ${LOCK_WAIT_S}`,
  // Neither a statement nor a commit leaves a transaction open.
  'set session autocommit = 1, session completion_type = 0',
  'set session transaction isolation level read committed',
  'set session transaction read write',
  // No result is truncated, and no statement is rejected for the rows it might read or change.
  `set session sql_select_limit = ${NO_LIMIT}, session sql_safe_updates = 0, session sql_auto_is_null = 0`,
  'set session max_join_size = default, session sql_big_selects = 1',
];

/** The statements that prepare a session; the row of the last one is for `checkSession`. */
export const SESSION: readonly string[] = [
  ...SETTINGS,
  `select ${bytes(PROBE)} as probe, @@session.max_allowed_packet as packet_bytes, @@session.autocommit as autocommit,
    concat(@@session.sql_select_limit) as sql_select_limit, @@session.completion_type as completion_type,
    @@session.sql_mode as sql_mode, @@global.log_bin as log_bin, @@session.binlog_format as binlog_format`,
];

/**
 * Returns the bytes that the server accepts in one packet. Throws `unavailable` for a session in
 * which the store cannot work.
 */
export function checkSession(row: Row | undefined): number {
  const is = (name: string): string => string(row?.[name]);
  const probe = row?.['probe'];
  if (!Buffer.isBuffer(probe) || !probe.equals(PROBE))
    throw refusal('bytes do not arrive as they were sent', 'connect without a proxy that changes character sets');
  if (is('autocommit') !== '1') throw refusal(`autocommit is ${is('autocommit')}`, proxyFix('set autocommit'));
  if (!is('completion_type').startsWith('NO_CHAIN') && is('completion_type') !== '0')
    throw refusal(`completion_type is ${is('completion_type')}`, proxyFix('set completion_type'));
  if (is('sql_select_limit') !== NO_LIMIT)
    throw refusal(`sql_select_limit is ${is('sql_select_limit')}`, proxyFix('set sql_select_limit'));
  if (!is('sql_mode').split(',').includes('NO_BACKSLASH_ESCAPES'))
    throw refusal(`sql_mode is ${is('sql_mode')}`, proxyFix('set sql_mode'));
  if (['1', 'ON'].includes(is('log_bin')) && is('binlog_format') === 'STATEMENT')
    throw refusal('binlog_format is STATEMENT, with which no transaction can be written', 'set it to ROW or MIXED');
  return Number(is('packet_bytes'));
}

/** A warning that the largest transactions cannot be stored; undefined if they can. */
export const packetWarning = (packetBytes: number): string | undefined =>
  packetBytes < LARGEST_CALL_BYTES
    ? `max_allowed_packet is ${packetBytes}: larger transactions are rejected; set it to at least 16777216`
    : undefined;

/** The largest item, with a margin for the text around it. */
const LARGEST_CALL_BYTES = STORE_LIMITS.itemBytes + 64 * 1_024;

const proxyFix = (statement: string): string =>
  `connect without the proxy that ignores "${statement}", or let it pass this statement on`;

const refusal = (what: string, fix: string): StoreError => new StoreError('unavailable', `${what}: ${fix}`);
