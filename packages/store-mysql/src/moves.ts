import { PATTERNS, STATUSES } from '@holdfast/protocol';
import type { Row } from './call.ts';
import { uncounted } from './counters.ts';
import { bodyBytes, idsTable } from './read.ts';
import { PLACES, string } from './rows.ts';
import { byKey, type Tables } from './schema.ts';
import { type LiteralRow, tableOf, text } from './sql.ts';

/*
 * What moves transactions from one place to another finds them in the index without locking anything; then one call changes those whose version is still the one
 * that was read. So nothing here waits for what it does not change, and all locks are taken by key, in one order.
 */

/** A transaction as it was found. */
export interface Found {
  readonly id: string;
  readonly version: number;
  readonly atMs: number;
  /** Of its bodies; 0 unless it was searched for with these. */
  readonly bytes: number;
}

export const foundOf = (row: Row): Found => ({
  id: string(row['id']),
  version: Number(row['version']),
  atMs: Number(row['at']),
  bytes: Number(row['bytes'] ?? 0),
});

/** What this version can drive; a record with other words is for nodes of a later one. */
const READABLE = `t.status in (${STATUSES.map(text).join(', ')}) and t.pattern in (${PATTERNS.map(text).join(', ')})`;

/** Finds up to `limit` of a place that this version can drive, earliest first, with the bytes of their bodies. */
export const findSized = (tables: Tables, place: string, limit: number): string =>
  `select t.id, t.version, t.at, ${bodyBytes(tables)} as bytes from ${tables.transactions} t force index (place)
where t.place = ${text(place)} and ${READABLE} order by t.at limit ${limit}`;

/** Finds up to `limit` of a place, earliest first. */
export const find = (tables: Tables, place: string, limit: number, condition = ''): string =>
  `select t.id, t.version, t.at from ${tables.transactions} t force index (place)
where t.place = ${text(place)}${condition} order by t.at limit ${limit}`;

/** The next place behind one, of the same kind. */
export const nextPlace = (tables: Tables, behind: string, kind: string): string =>
  `select t.place from ${tables.transactions} t force index (place)
where t.place > ${text(behind)} and t.place < ${text(String.fromCharCode(kind.charCodeAt(0) + 1))} order by t.place limit 1`;

const byVersion = (found: readonly Found[]): string =>
  tableOf(
    'u',
    ['id', 'version'],
    [...found].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, version }): LiteralRow => [text(id), String(version)]),
  );

/** Gives them to a session; those that are still due. */
export const claim = (tables: Tables, found: readonly Found[], session: string, callId: string): string =>
  `update ${byVersion(found)}
${byKey(tables, 'u')} and t.version = u.version and left(t.place, 1) = '${PLACES.due}'
join ${tables.sessions} s on s.session = ${text(session)} and s.ended_at is null
set t.place = ${text(`${PLACES.owned}${session}`)}, t.at = 0, t.claims = t.claims + 1, t.version = t.version + 1,
  t.updated_at = @now, t.applied_by = ${callId}`;

/** Makes them due at once, without an owner. */
export const makeDue = (tables: Tables, found: readonly Found[], callId: string): string =>
  `update ${byVersion(found)}
${byKey(tables, 'u')} and t.version = u.version
set t.place = concat('${PLACES.due}', t.app_group), t.at = @now, t.version = t.version + 1, t.updated_at = @now, t.applied_by = ${callId}`;

/** Deletes those that are still as they were found, with their entries. The second of these statements tells how many. */
export function remove(tables: Tables, found: readonly Found[], callId: string): string[] {
  const ids = found.map(({ id }) => id);
  const theirs = `${idsTable(ids)} ${byKey(tables, 'k')} and t.applied_by = ${callId}`;
  return [
    // Locks them: nothing is added to one that is being deleted.
    `update ${byVersion(found)} ${byKey(tables, 'u')} and t.version = u.version set t.applied_by = ${callId}`,
    uncounted(tables, ids, callId),
    `delete e from ${theirs} join ${tables.entries} e force index (primary) on e.id = t.id`,
    `delete t from ${theirs}`,
  ];
}
