import type { AppendItem, Entry, WriteOutcome } from '@holdfast/core/store';
import { type RecordHead, transitions } from '@holdfast/core/store-kit';
import type { Row } from './call.ts';
import type { Connection } from './connection.ts';
import { entryOf, HEAD, headOf, idOf, string } from './records.ts';
import { byKey, type Tables } from './schema.ts';
import { grouped, idsTable } from './read.ts';
import { type LiteralRow, tableOf, text } from './sql.ts';

/** An append to be applied to a record in the version that was read. */
export interface Append {
  readonly item: AppendItem;
  readonly head: RecordHead;
  /** Its entries that exist already. */
  readonly existing: readonly Entry[];
  readonly added: readonly Entry[];
}

/**
 * Determines what appends have to add, without locking: each is made conditional on the version
 * that was read. Returns an outcome for an append that has nothing to add.
 */
export async function planAppends(
  connection: Connection,
  tables: Tables,
  items: readonly AppendItem[],
): Promise<(Append | WriteOutcome)[]> {
  const wanted = items.flatMap((item) => item.entries.map(({ key }): LiteralRow => [text(idOf(item.key)), text(key)]));
  // The server reads bodies to compute their lengths, so only records with a bound are queried.
  const bounded = items.flatMap(({ key, maxBytes }) => (maxBytes === undefined ? [] : [idOf(key)]));
  const [heads, entries, sums] = await connection.call({
    changes: false,
    statements: [
      `select ${HEAD} from ${idsTable(items.map(({ key }) => idOf(key)))} ${byKey(tables, 'k')}`,
      `select e.id, e.entry_key, e.position, e.body from ${tableOf('w', ['id', 'entry_key'], wanted)}
straight_join ${tables.entries} e force index (primary) on e.id = w.id and e.entry_key = w.entry_key`,
      ...(bounded.length === 0 ? [] : [entryBytes(tables, bounded)]),
    ],
  });
  const headsById = new Map((heads?.rows ?? []).map((row) => [string(row['id']), headOf(row)]));
  const entriesById = grouped(entries?.rows ?? []);
  const bytesById = new Map((sums?.rows ?? []).map((row) => [string(row['id']), Number(row['bytes'])]));
  return items.map((item) => {
    const id = idOf(item.key);
    const head = headsById.get(id);
    const existing = existingOf(item, head, entriesById.get(id) ?? []);
    const refused = transitions.appendRefused(item, head, existing, () => bytesById.get(id) ?? 0);
    if (refused !== undefined || head === undefined) return refused ?? { kind: 'missing' };
    const there = new Set(existing.map(({ key }) => key));
    return { item, head, existing, added: item.entries.filter(({ key }) => !there.has(key)) };
  });
}

/**
 * Entries added after the record was read belong to a later version, to which this append is not
 * applied.
 */
function existingOf(item: AppendItem, head: RecordHead | undefined, rows: readonly Row[]): Entry[] {
  const there = new Map(
    rows
      .filter((row) => Number(row['position']) <= (head?.entryCount ?? 0))
      .map((row) => [string(row['entry_key']), entryOf(row)]),
  );
  return item.entries.flatMap(({ key }) => there.get(key) ?? []);
}

/** Total bytes of the entry bodies of records. */
const entryBytes = (tables: Tables, ids: readonly string[]): string =>
  `select e.id, sum(length(e.body)) as bytes from ${idsTable(ids)}
straight_join ${tables.entries} e force index (primary) on e.id = k.id group by e.id`;
