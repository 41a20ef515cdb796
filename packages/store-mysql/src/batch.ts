import type { InsertItem, UpdateItem } from '@holdfast/core/store';
import { type CountedState, CountsByNamespace } from '@holdfast/core/store-kit';
import { PATTERNS } from '@holdfast/protocol';
import type { Append } from './appends.ts';
import type { StatementResult, Call } from './call.ts';
import { counted } from './counters.ts';
import { idsTable } from './read.ts';
import { idOf, placeOf, PLACES, string } from './records.ts';
import { byKey, type Tables } from './schema.ts';
import { bytes, type LiteralRow, number, tableOf, text, word } from './sql.ts';
import { RETURN_NOW } from './store-clock.ts';

/** An insert or update; an update states the status and attention flag assumed of the record. */
export type Setting =
  | { readonly id: string; readonly item: InsertItem; readonly before?: undefined }
  | { readonly id: string; readonly item: UpdateItem; readonly before: CountedState };

export interface Batch {
  /** In the order of IDs, so that nodes never lock in different orders. */
  readonly settings: readonly Setting[];
  readonly appends: readonly Append[];
}

/** At least 0, since the delay may be negative. */
const due = (dueInMs: string): string => `greatest(0, @now + ${dueInMs})`;

/**
 * Builds the call that writes a batch. Its inserts and updates are applied all or not at all, since
 * they are counted as if all were applied; if they were not, the appends are not applied either.
 *
 * @param set the statement that sets `@now`
 * @param callId a number that no other call has
 */
export function callOf(tables: Tables, { settings, appends }: Batch, set: string, callId: string): Call {
  const statements = [set];
  if (settings.length > 0) statements.push(apply(tables, settings, callId));
  if (appends.length > 0) {
    const ids = appends.map(({ item }) => idOf(item.key));
    statements.push(append(tables, appends, callId), enter(tables, appends, callId));
    statements.push(`select t.id from ${idsTable(ids)} ${byKey(tables, 'k')} and t.applied_by = ${callId}`);
  }
  // Last, so that a call that waits for a counter row already has all its other locks.
  if (settings.length > 0) statements.push(counted(tables, changesOf(settings)));
  const provided = { at: APPLIED, changed: changedByAll(settings) };
  return { statements, changes: true, ...(settings.length > 0 && { provided }) };
}

/** The index of the inserts and updates in a call. */
const APPLIED = 1;

/**
 * The number of changed rows that the server reports if every item was applied: one for an inserted
 * row, two for an existing one.
 */
const changedByAll = (settings: readonly Setting[]): number =>
  settings.reduce((sum, { before }) => sum + (before === undefined ? 1 : 2), 0);

/** The result of a batch. */
export interface BatchResult {
  /** Whether all inserts and updates were applied; otherwise none was. */
  readonly applied: boolean;
  /** IDs of the applied appends. */
  readonly appended: ReadonlySet<string>;
  /** The store's time of the write; 0 if nothing was written. */
  readonly nowMs: number;
}

export function batchResultOf({ settings, appends }: Batch, results: readonly StatementResult[]): BatchResult {
  const applied = settings.length === 0 || results[APPLIED]?.changed === changedByAll(settings);
  const appended = applied && appends.length > 0 ? (results.at(settings.length > 0 ? -2 : -1)?.rows ?? []) : [];
  return {
    applied,
    appended: new Set(appended.map((row) => string(row['id']))),
    nowMs: Math.max(...results.map(({ insertId }) => insertId)),
  };
}

function changesOf(settings: readonly Setting[]): CountsByNamespace {
  const changes = new CountsByNamespace();
  for (const { item, before } of settings) changes.note(item.key.namespace, before, item);
  return changes;
}

const COLUMNS = [
  ...['id', 'namespace', 'version', 'created_at', 'updated_at', 'place', 'at', 'claims', 'entry_count'],
  ...['attention', 'before_attention', 'status', 'before_status', 'pattern', 'app_group', 'write_id', 'applied_by'],
  ...['definition', 'state'],
];

/**
 * Inserts and updates in one statement that uses no table other than `transactions`: joined with a
 * table of literals, an update created two files for each batch.
 *
 * The row of an update carries the negated expected version, so that an update never matches an
 * insert and vice versa, and the assumed status and attention flag, so that the counters stay
 * correct. If there is nothing to update, or a row to insert exists, fewer rows are changed than
 * expected.
 *
 * Assignments are made from left to right: the first determines whether the item applies, and all
 * others depend on it.
 */
function apply(tables: Tables, settings: readonly Setting[], callId: string): string {
  const ifApplied = (column: string, value = `values(${column})`): string =>
    `${column} = if(applied_by = ${callId}, ${value}, ${column})`;
  const { due: waiting, finished } = PLACES;
  return `insert into ${tables.transactions} (${COLUMNS.join(', ')})
values ${settings.map(rowOf).join(', ')}
on duplicate key update
  applied_by = if(version = -values(version) and status = values(before_status) and attention = values(before_attention)
    and (place <> '${finished}' or values(place) = '${finished}') and pattern in (${PATTERNS.map(word).join(', ')}), ${callId}, applied_by),
  ${ifApplied('at', `if(place = '${finished}', at, values(at))`)},
  ${ifApplied('place', `if(values(place) = '${waiting}', concat('${waiting}', app_group), values(place))`)},
  ${['status', 'attention', 'claims', 'updated_at', 'write_id', 'state'].map((column) => ifApplied(column)).join(', ')},
  ${ifApplied('version', 'version + 1')}`;
}

/**
 * The values of an item, in the order of `COLUMNS`. Written as one text, for speed: this runs for
 * each write.
 */
function rowOf({ id, item, before }: Setting): string {
  const place = placeOf(item);
  const at = place === PLACES.finished ? '@now' : place === PLACES.due ? due(number(item.dueInMs ?? 0)) : '0';
  const claims = place.startsWith(PLACES.owned) ? 1 : 0;
  const attention = item.attention ? 1 : 0;
  const writeId = text(item.writeId);
  if (before !== undefined) {
    const attended = before.attention ? 1 : 0;
    return `(${text(id)}, '', ${number(-item.expectVersion)}, 0, @now, ${text(place)}, ${at}, ${claims}, 0, ${attention}, ${attended}, ${word(item.status)}, ${word(before.status)}, '', '', ${writeId}, 0, '', ${bytes(item.state)})`;
  }
  const where = text(place === PLACES.due ? `${place}${item.group}` : place);
  return `(${text(id)}, ${text(item.key.namespace)}, 1, @now, @now, ${where}, ${at}, ${claims}, 0, ${attention}, 0, ${word(item.status)}, '', ${word(item.pattern)}, ${text(item.group)}, ${writeId}, 0, ${bytes(item.definition)}, ${bytes(item.state)})`;
}

function append(tables: Tables, appends: readonly Append[], callId: string): string {
  const rows = appends.map(({ item, head, added }): LiteralRow => [
    text(idOf(item.key)),
    number(head.version),
    number(added.length),
    item.postponeMs === undefined ? 'null' : number(item.postponeMs),
  ]);
  return `update ${tableOf('u', ['id', 'version', 'added', 'postpone'], rows)}
${byKey(tables, 'u')} and t.version = u.version
set t.at = if(left(t.place, 1) = '${PLACES.due}' and u.postpone is not null, ${due('u.postpone')}, t.at),
  t.version = t.version + 1, t.updated_at = ${RETURN_NOW}, t.entry_count = t.entry_count + u.added, t.applied_by = ${callId}`;
}

function enter(tables: Tables, appends: readonly Append[], callId: string): string {
  const rows = appends.flatMap(({ item, head, added }) =>
    added.map((entry, i): LiteralRow => [
      text(idOf(item.key)),
      text(entry.key),
      number(head.entryCount + i + 1),
      bytes(entry.body),
    ]),
  );
  return `insert into ${tables.entries} (id, entry_key, position, body)
select e.id, e.entry_key, e.position, e.body from ${tableOf('e', ['id', 'entry_key', 'position', 'body'], rows)}
${byKey(tables, 'e')} and t.applied_by = ${callId}`;
}
