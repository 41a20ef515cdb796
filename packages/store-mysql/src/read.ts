import { type Entry, type StoredTransaction, transitions } from '@holdfast/core';
import type { TransactionKey } from '@holdfast/protocol';
import type { Answer, Row } from './call.ts';
import type { Connection } from './connection.ts';
import { body, entryOf, HEAD, headOf, idOf, string } from './rows.ts';
import { byKey, type Tables } from './schema.ts';
import { tableOf, text } from './sql.ts';

/** Ids as a table `k`, each once and in their order. */
export const idsTable = (ids: readonly string[]): string =>
  tableOf(
    'k',
    ['id'],
    [...new Set(ids)].map((id) => [text(id)]),
  );

/** Statements that return the records of ids, and their entries. */
const recordStatements = (tables: Tables, ids: readonly string[]): string[] => [
  `select ${HEAD}, t.definition, t.state from ${idsTable(ids)} ${byKey(tables, 'k')}`,
  `select e.id, e.entry_key, e.position, e.body from ${idsTable(ids)} straight_join ${tables.entries} e force index (primary) on e.id = k.id order by e.id, e.position`,
];

/** What those statements answered, by id. */
function recordsOf([records, entries]: readonly Answer[]): Map<string, StoredTransaction> {
  const byId = grouped(entries?.rows ?? []);
  const found = new Map<string, StoredTransaction>();
  for (const row of records?.rows ?? []) {
    const head = headOf(row);
    const id = idOf(head.key);
    // Between the two statements entries may have been added, which belong to a later version, or
    // all of it be deleted: `read` then reads again.
    const own: readonly Entry[] = (byId.get(id) ?? [])
      .filter((entry) => Number(entry['position']) <= head.entryCount)
      .map(entryOf);
    const record = transitions.storedTransaction(head, body(row['definition']), body(row['state']), own);
    found.set(id, transitions.withEntriesCounted(record, head.entryCount));
  }
  return found;
}

/** Rows of entries by the id of their transaction. */
export function grouped(rows: readonly Row[]): Map<string, Row[]> {
  const byId = new Map<string, Row[]>();
  for (const row of rows) {
    const id = string(row['id']);
    const list = byId.get(id);
    if (list === undefined) byId.set(id, [row]);
    else list.push(row);
  }
  return byId;
}

const NO_BODY = Buffer.alloc(0);

/** Records without definitions and entries, which are not read; in the order of the keys. */
export async function readSummaries(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const statement = `select ${HEAD}, t.state from ${idsTable(ids)} ${byKey(tables, 'k')}`;
  const [answer] = await connection.call({ statements: [statement], changes: false });
  const found = new Map((answer?.rows ?? []).map((row) => [string(row['id']), row]));
  return ids.map((id) => {
    const row = found.get(id);
    return row && transitions.storedTransaction(headOf(row), NO_BODY, body(row['state']), []);
  });
}

/** Bytes of the bodies of a record `t`. These databases read bodies to know their lengths, but do not send them. */
export const bodyBytes = ({ entries }: Tables): string =>
  `length(t.definition) + length(t.state) + if(t.entry_count = 0, 0, (select coalesce(sum(length(e.body)), 0) from ${entries} e where e.id = t.id))`;

/** Bytes of the bodies of records, or of their states alone, in the order of the keys; 0 where there is no record. */
export async function sizes(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
  summary: boolean,
): Promise<number[]> {
  const ids = keys.map(idOf);
  const size = summary ? 'length(t.state)' : bodyBytes(tables);
  const statement = `select t.id, ${size} as bytes from ${idsTable(ids)} ${byKey(tables, 'k')}`;
  const [answer] = await connection.call({ statements: [statement], changes: false });
  const found = new Map((answer?.rows ?? []).map((row) => [string(row['id']), Number(row['bytes'])]));
  return ids.map((id) => found.get(id) ?? 0);
}

/** Whole records, in the order of the keys. */
export async function read(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const call = async (wanted: readonly string[]): Promise<Map<string, StoredTransaction>> =>
    recordsOf(await connection.call({ statements: recordStatements(tables, wanted), changes: false }));
  const found = await call(ids);
  const doubtful = ids.filter((id) => found.get(id)?.damaged === true);
  if (doubtful.length === 0) return ids.map((id) => found.get(id));
  // What was deleted meanwhile is gone now; what lacks entries again is damaged.
  const again = await call(doubtful);
  for (const id of doubtful) found.delete(id);
  return ids.map((id) => again.get(id) ?? found.get(id));
}

/** Versions, in the order of the keys. */
export async function versions(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(number | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const statement = `select t.id, t.version from ${idsTable(ids)} ${byKey(tables, 'k')}`;
  const [answer] = await connection.call({ statements: [statement], changes: false });
  const found = new Map((answer?.rows ?? []).map((row) => [string(row['id']), Number(row['version'])]));
  return ids.map((id) => found.get(id));
}
