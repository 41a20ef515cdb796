import { PATTERNS, STATUSES } from '@holdfast/protocol';
import type { Row } from './call.ts';
import { uncounted } from './counters.ts';
import { bodyBytes, idsTable } from './read.ts';
import { PLACES, string } from './records.ts';
import { byKey, type Tables } from './schema.ts';
import { type LiteralRow, number, tableOf, text, word } from './sql.ts';

/*
 * Statements that move transactions from one place to another find them in the index without
 * locking; then one call changes those that still have the version that was read and that no other
 * connection has locked. None of these calls waits for a record, and all locks are taken by key, in
 * one order.
 */

/** A transaction found by a search. */
export interface Found {
  readonly id: string;
  readonly version: number;
  readonly atMs: number;
  /** Size of its bodies; 0 unless the search included it. */
  readonly bytes: number;
}

export const foundOf = (row: Row): Found => ({
  id: string(row['id']),
  version: Number(row['version']),
  atMs: Number(row['at']),
  bytes: Number(row['bytes'] ?? 0),
});

/**
 * Records that this version can drive; a record with other words is left to nodes of a later
 * version.
 */
export const READABLE = `t.status in (${STATUSES.map(word).join(', ')}) and t.pattern in (${PATTERNS.map(word).join(', ')})`;

/**
 * Finds up to `limit` transactions of a place that this version can drive, earliest first, with the
 * bytes of their bodies.
 *
 * @param except IDs that are excluded
 */
export const findSized = (tables: Tables, place: string, limit: number, except: readonly string[]): string =>
  `select t.id, t.version, t.at, ${bodyBytes(tables)} as bytes from ${tables.transactions} t force index (place)
where t.place = ${text(place)} and ${READABLE}${except.length === 0 ? '' : ` and t.id not in (${except.map(text).join(', ')})`}
order by t.at limit ${number(limit)}`;

/** Finds up to `limit` transactions of a place, earliest first. */
export const find = (tables: Tables, place: string, limit: number, condition = ''): string =>
  `select t.id, t.version, t.at from ${tables.transactions} t force index (place)
where t.place = ${text(place)}${condition} order by t.at limit ${number(limit)}`;

/**
 * Finds the earliest transactions of a place without reading a row: the index contains these
 * columns.
 *
 * @param limit how many are examined
 */
export const findIds = (tables: Tables, place: string, limit: number): string =>
  `select t.id, t.at from ${tables.transactions} t force index (place)
where t.place = ${text(place)} order by t.at limit ${number(limit)}`;

/** Those of `ids` that a search would find, in their order. */
export const amongIds = (tables: Tables, ids: readonly string[], condition: string, sized: boolean): string =>
  `select t.id, t.version, t.at${sized ? `, ${bodyBytes(tables)} as bytes` : ''} from ${idsTable(ids)} ${byKey(tables, 'k')}
where true${condition}`;

/** The next place of the same kind after `behind`. */
export const nextPlace = (tables: Tables, behind: string, kind: string): string =>
  `select t.place from ${tables.transactions} t force index (place)
where t.place > ${text(behind)} and t.place < ${text(String.fromCharCode(kind.charCodeAt(0) + 1))} order by t.place limit 1`;

const byVersion = (found: readonly Found[]): string =>
  tableOf(
    'u',
    ['id', 'version'],
    [...found].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, version }): LiteralRow => [text(id), number(version)]),
  );

/**
 * Locks the records that still have the version that was found and that no other connection has
 * locked, and joins `t` to them. A locked record is skipped: waiting for it would keep the locks on
 * all others.
 */
const free = (tables: Tables, found: readonly Found[]): string =>
  `(select t.id from ${byVersion(found)} ${byKey(tables, 'u')} and t.version = u.version for update skip locked) as free
${byKey(tables, 'free')}`;

/**
 * Claims the records that are still due for a session. Whether the session is alive is read before,
 * without a lock (which a `set` with a query would take), since its heartbeat must never wait for a
 * claim.
 */
export const claim = (tables: Tables, found: readonly Found[], session: string, callId: string): string[] => [
  `select count(*) into @alive from ${tables.sessions} where session = ${text(session)} and ended_at is null`,
  `update ${free(tables, found)} and left(t.place, 1) = '${PLACES.due}' and @alive = 1
set t.place = ${text(`${PLACES.owned}${session}`)}, t.at = 0, t.claims = t.claims + 1, t.version = t.version + 1,
  t.updated_at = @now, t.applied_by = ${callId}`,
  `select t.id from ${idsTable(found.map(({ id }) => id))} ${byKey(tables, 'k')} and t.applied_by = ${callId}`,
];

/** Makes the records due at once, without an owner. */
export const makeDue = (tables: Tables, found: readonly Found[], callId: string): string =>
  `update ${free(tables, found)}
set t.place = concat('${PLACES.due}', t.app_group), t.at = @now, t.version = t.version + 1, t.updated_at = @now, t.applied_by = ${callId}`;

/**
 * Deletes the records that still have the version that was found, with their entries. The last of
 * these statements returns their number.
 */
export function remove(tables: Tables, found: readonly Found[], callId: string): string[] {
  const ids = found.map(({ id }) => id);
  // Read without waiting: rows locked by other connections are skipped, and this call's rows are
  // those that it has marked.
  const marked = `(select t.id from ${idsTable(ids)} ${byKey(tables, 'k')} and t.applied_by = ${callId} for update skip locked) as marked`;
  return [
    // Locks the records, so that nothing is added to one that is being deleted.
    `update ${free(tables, found)} set t.applied_by = ${callId}`,
    uncounted(tables, ids, callId),
    `delete e from ${marked} straight_join ${tables.entries} e force index (primary) on e.id = marked.id`,
    `delete t from ${marked} ${byKey(tables, 'marked')}`,
  ];
}
