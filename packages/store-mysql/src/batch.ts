import type { InsertItem, UpdateItem } from '@holdfast/core';
import { isFinal } from '@holdfast/protocol';
import { counted } from './counters.ts';
import type { Append } from './appends.ts';
import { idsTable } from './read.ts';
import { idOf, placeOf, PLACES } from './rows.ts';
import { byKey, type Tables } from './schema.ts';
import { bytes, type LiteralRow, number, tableOf, text, valuesOf } from './sql.ts';

/** Items of a batch by what they do, each list in the order of ids: nodes never lock in different orders. */
export interface Batch {
  readonly inserts: readonly InsertItem[];
  readonly updates: readonly UpdateItem[];
  readonly appends: readonly Append[];
}

/** The statements of a batch, and where among their answers what is. */
export interface BatchStatements {
  readonly statements: readonly string[];
  readonly now: number;
  readonly inserted: number;
  readonly updated: number;
  readonly appended: number;
}

/** The least time there is: a duration may be negative. */
const due = (dueInMs: string): string => `greatest(0, @now + ${dueInMs})`;

/** @param callId a number that no other call has */
export function statementsOf(
  tables: Tables,
  { inserts, updates, appends }: Batch,
  set: string,
  callId: string,
): BatchStatements {
  const statements = [set, 'select @now as now'];
  const place = { now: 1, inserted: -1, updated: -1, appended: -1 };
  if (inserts.length > 0) place.inserted = statements.push(insert(tables, inserts, callId)) - 1;
  if (updates.length > 0) place.updated = statements.push(update(tables, updates, callId)) - 1;
  if (appends.length > 0) {
    statements.push(append(tables, appends, callId), enter(tables, appends, callId));
    const ids = appends.map(({ item }) => idOf(item.key));
    place.appended =
      statements.push(`select t.id from ${idsTable(ids)} ${byKey(tables, 'k')} and t.applied_by = ${callId}`) - 1;
  }
  const ids = [...inserts, ...updates].map(({ key }) => idOf(key));
  if (ids.length > 0) statements.push(counted(tables, ids, callId, 'change'));
  return { statements, ...place };
}

/** A row that is there stays as it is, and is not counted among those changed. */
function insert(tables: Tables, items: readonly InsertItem[], callId: string): string {
  const rows = items.map((item): LiteralRow => {
    const place = placeOf(item);
    return [
      text(idOf(item.key)),
      text(item.key.namespace),
      '1',
      '@now',
      '@now',
      text(place === PLACES.due ? `${place}${item.group}` : place),
      place === PLACES.finished ? '@now' : place === PLACES.due ? due(number(item.dueInMs ?? 0)) : '0',
      place.startsWith(PLACES.owned) ? '1' : '0',
      '0',
      item.attention ? '1' : '0',
      '0',
      text(item.status),
      `''`,
      text(item.pattern),
      text(item.group),
      text(item.writeId),
      callId,
      bytes(item.definition),
      bytes(item.state),
    ];
  });
  return `insert into ${tables.transactions} (id, namespace, version, created_at, updated_at, place, at, claims, entry_count, attention,
  before_attention, status, before_status, pattern, app_group, write_id, applied_by, definition, state)
values ${valuesOf(rows)}
on duplicate key update write_id = ${tables.transactions}.write_id`;
}

/** What it sets reads only columns that are set behind it, so that it does not matter whether a server sees old values or new ones there. */
function update(tables: Tables, items: readonly UpdateItem[], callId: string): string {
  const rows = items.map((item): LiteralRow => [
    text(idOf(item.key)),
    String(item.expectVersion),
    text(item.status),
    isFinal(item.status) ? '1' : '0',
    item.attention ? '1' : '0',
    text(item.writeId),
    text(placeOf(item)),
    number(item.dueInMs ?? 0),
    bytes(item.state),
  ]);
  const columns = ['id', 'version', 'status', 'final', 'attention', 'write_id', 'place', 'due_in', 'state'];
  return `update ${tableOf('u', columns, rows)}
${byKey(tables, 'u')} and t.version = u.version and (u.final = 1 or t.place <> '${PLACES.finished}')
set t.before_status = t.status, t.before_attention = t.attention, t.status = u.status, t.attention = u.attention,
  t.at = case u.place when '${PLACES.finished}' then if(t.place = '${PLACES.finished}', t.at, @now) when '${PLACES.due}' then ${due('u.due_in')} else 0 end,
  t.place = if(u.place = '${PLACES.due}', concat(u.place, t.app_group), u.place),
  t.claims = (left(u.place, 1) = '${PLACES.owned}'), t.version = t.version + 1, t.updated_at = @now,
  t.write_id = u.write_id, t.applied_by = ${callId}, t.state = u.state`;
}

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
