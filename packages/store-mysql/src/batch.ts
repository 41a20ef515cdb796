import type { InsertItem, UpdateItem } from '@holdfast/core';
import { counted } from './counters.ts';
import type { Append } from './appends.ts';
import { idsTable } from './read.ts';
import { idOf, placeOf, PLACES } from './rows.ts';
import { byKey, type Tables } from './schema.ts';
import { bytes, type LiteralRow, number, tableOf, text, valuesOf } from './sql.ts';

/** What sets a record, in the order of ids: nodes never lock in different orders. */
export type Setting = InsertItem | UpdateItem;

export interface Batch {
  readonly settings: readonly Setting[];
  readonly appends: readonly Append[];
}

/** The statements of a batch, and where among their answers what is. */
export interface BatchStatements {
  readonly statements: readonly string[];
  readonly now: number;
  readonly applied: number;
  readonly appended: number;
}

/** The least time there is: a duration may be negative. */
const due = (dueInMs: string): string => `greatest(0, @now + ${dueInMs})`;

/** @param callId a number that no other call has */
export function statementsOf(
  tables: Tables,
  { settings, appends }: Batch,
  set: string,
  callId: string,
): BatchStatements {
  const statements = [set, 'select @now as now'];
  const place = { now: 1, applied: -1, appended: -1 };
  if (settings.length > 0) place.applied = statements.push(apply(tables, settings, callId)) - 1;
  if (settings.some(({ kind }) => kind === 'update')) statements.push(forgetMissing(tables, callId));
  if (appends.length > 0) {
    statements.push(append(tables, appends, callId), enter(tables, appends, callId));
    const ids = appends.map(({ item }) => idOf(item.key));
    place.appended =
      statements.push(`select t.id from ${idsTable(ids)} ${byKey(tables, 'k')} and t.applied_by = ${callId}`) - 1;
  }
  const keys = settings.map(({ key }) => key);
  if (keys.length > 0) statements.push(counted(tables, keys, callId, 'change'));
  return { statements, ...place };
}

/** How many rows the server says were changed when every item was applied: one for a row that came, two for one that was there. */
export const changedByAll = (settings: readonly Setting[]): number =>
  settings.reduce((sum, { kind }) => sum + (kind === 'insert' ? 1 : 2), 0);

const COLUMNS = [
  ...['id', 'namespace', 'version', 'created_at', 'updated_at', 'place', 'at', 'claims', 'entry_count'],
  ...['attention', 'before_attention', 'status', 'before_status', 'pattern', 'app_group', 'write_id', 'applied_by'],
  ...['definition', 'state'],
];

/**
 * Inserts and updates in one statement, which needs no table beside `transactions`: joined with a table of literals an update made two files for each batch.
 *
 * The row of an update brings the version that it expects with a minus, so it fits no insert and an insert fits no row. Where there is nothing to update it
 * stays as a row without a namespace, which `forgetMissing` takes away again.
 *
 * What is set goes from left to right: first whether the item applies, which all others ask; last the version, which the first asked.
 */
function apply(tables: Tables, settings: readonly Setting[], callId: string): string {
  const isApplied = `applied_by = ${callId}`;
  const ifApplied = (column: string, value = `values(${column})`): string =>
    `${column} = if(${isApplied}, ${value}, ${column})`;
  const { due: waiting, finished } = PLACES;
  return `insert into ${tables.transactions} (${COLUMNS.join(', ')})
values ${valuesOf(settings.map((item) => rowOf(item, callId)))}
on duplicate key update
  applied_by = if(version = -values(version) and (place <> '${finished}' or values(place) = '${finished}'), ${callId}, applied_by),
  ${ifApplied('before_status', 'status')}, ${ifApplied('before_attention', 'attention')}, ${ifApplied('status')}, ${ifApplied('attention')},
  ${ifApplied('at', `if(place = '${finished}', at, values(at))`)},
  ${ifApplied('place', `if(values(place) = '${waiting}', concat('${waiting}', app_group), values(place))`)},
  ${['claims', 'updated_at', 'write_id', 'state'].map((column) => ifApplied(column)).join(', ')},
  ${ifApplied('version', 'version + 1')}`;
}

function rowOf(item: Setting, callId: string): LiteralRow {
  const place = placeOf(item);
  const at = place === PLACES.finished ? '@now' : place === PLACES.due ? due(number(item.dueInMs ?? 0)) : '0';
  const claims = place.startsWith(PLACES.owned) ? '1' : '0';
  const attention = item.attention ? '1' : '0';
  const [id, status, writeId] = [text(idOf(item.key)), text(item.status), text(item.writeId)];
  if (item.kind === 'update')
    return [
      ...[id, `''`, String(-item.expectVersion), '0', '@now', text(place), at, claims, '0'],
      ...[attention, '0', status, `''`, `''`, `''`, writeId, callId, `''`, bytes(item.state)],
    ];
  const where = text(place === PLACES.due ? `${place}${item.group}` : place);
  return [
    ...[id, text(item.key.namespace), '1', '@now', '@now', where, at, claims, '0'],
    ...[attention, '0', status, `''`, text(item.pattern), text(item.group), writeId, callId],
    ...[bytes(item.definition), bytes(item.state)],
  ];
}

/** Nobody has seen these rows: they came in this transaction. */
const forgetMissing = (tables: Tables, callId: string): string =>
  `delete t from ${tables.transactions} t force index (created) where t.namespace = '' and t.applied_by = ${callId}`;

function append(tables: Tables, appends: readonly Append[], callId: string): string {
  const rows = appends.map(({ item, head, added }): LiteralRow => [
    text(idOf(item.key)),
    String(head.version),
    String(added.length),
    item.postponeMs === undefined ? 'null' : number(item.postponeMs),
  ]);
  return `update ${tableOf('u', ['id', 'version', 'added', 'postpone'], rows)}
${byKey(tables, 'u')} and t.version = u.version
set t.at = if(left(t.place, 1) = '${PLACES.due}' and u.postpone is not null, ${due('u.postpone')}, t.at),
  t.version = t.version + 1, t.updated_at = @now, t.entry_count = t.entry_count + u.added, t.applied_by = ${callId}`;
}

function enter(tables: Tables, appends: readonly Append[], callId: string): string {
  const rows = appends.flatMap(({ item, head, added }) =>
    added.map((entry, i): LiteralRow => [
      text(idOf(item.key)),
      text(entry.key),
      String(head.entryCount + i + 1),
      bytes(entry.body),
    ]),
  );
  return `insert into ${tables.entries} (id, entry_key, position, body)
select e.id, e.entry_key, e.position, e.body from ${tableOf('e', ['id', 'entry_key', 'position', 'body'], rows)}
${byKey(tables, 'e')} and t.applied_by = ${callId}`;
}
