import type { Entry, StoredTransaction } from '@holdfast/core/store';
import { type RecordHead, transitions } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import type { StatementResult, Row } from './call.ts';
import type { Connection } from './connection.ts';
import { body, entryOf, HEAD, headOf, idOf, string } from './records.ts';
import { byKey, type Tables } from './schema.ts';
import { tableOf, text } from './sql.ts';
import { readable, unreadableHead } from './unreadable.ts';

/** IDs as a table `k`, each once and in their order. */
export const idsTable = (ids: readonly string[]): string =>
  tableOf(
    'k',
    ['id'],
    [...new Set(ids)].map((id) => [text(id)]),
  );

/** Statements that return the records of IDs, and their entries. */
const recordStatements = (tables: Tables, ids: readonly string[]): string[] => [
  `select ${HEAD}, t.definition, t.state from ${idsTable(ids)} ${byKey(tables, 'k')}`,
  `select e.id, e.entry_key, e.position, e.body from ${idsTable(ids)} straight_join ${tables.entries} e force index (primary) on e.id = k.id order by e.id, e.position`,
];

/** The records in the results of these statements. */
function recordsOf([records, entries]: readonly StatementResult[]): StoredTransaction[] {
  const byId = grouped(entries?.rows ?? []);
  return (records?.rows ?? []).map((row) => {
    const head = headOf(row);
    const id = idOf(head.key);
    // Between the two statements entries may have been added, which belong to a later version, or
    // the record may have been deleted: `read` then reads again.
    const own: readonly Entry[] = (byId.get(id) ?? [])
      .filter((entry) => Number(entry['position']) <= head.entryCount)
      .map(entryOf);
    const record = transitions.storedTransaction(head, body(row['definition']), body(row['state']), own);
    return transitions.withEntriesCounted(record, head.entryCount);
  });
}

/** Rows of entries by the ID of their transaction. */
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

const withoutBodies = (head: RecordHead): StoredTransaction =>
  transitions.storedTransaction(head, NO_BODY, NO_BODY, []);

/**
 * Records by their IDs. A record whose bodies the server cannot read is returned without them, as
 * `unreadable`, with only its key if nothing else can be read; the other records are still read.
 */
async function find(
  connection: Connection,
  tables: Tables,
  ids: readonly string[],
  readSome: (ids: readonly string[]) => Promise<readonly StoredTransaction[]>,
): Promise<Map<string, StoredTransaction>> {
  const { found, unreadable } = await readable([...new Set(ids)], readSome);
  const byId = new Map(found.map((record) => [idOf(record.key), record]));
  if (unreadable.size === 0) return byId;
  const heads = await readable([...unreadable.keys()], async (some) => {
    const statement = `select ${HEAD} from ${idsTable(some)} ${byKey(tables, 'k')}`;
    const [result] = await connection.call({ statements: [statement], changes: false });
    return (result?.rows ?? []).map(headOf);
  });
  for (const head of heads.found) {
    const why = `the database cannot read its bodies: ${unreadable.get(idOf(head.key)) ?? ''}`;
    byId.set(idOf(head.key), withoutBodies({ ...head, unreadable: why, withoutBodies: true }));
  }
  for (const [id, why] of heads.unreadable) byId.set(id, withoutBodies(unreadableHead(id, why)));
  return byId;
}

/** Records without definitions and entries, which are not read; in the order of the keys. */
export async function readSummaries(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const found = await find(connection, tables, ids, async (some) => {
    const statement = `select ${HEAD}, t.state from ${idsTable(some)} ${byKey(tables, 'k')}`;
    const [result] = await connection.call({ statements: [statement], changes: false });
    return (result?.rows ?? []).map((row) =>
      transitions.storedTransaction(headOf(row), NO_BODY, body(row['state']), []),
    );
  });
  return ids.map((id) => found.get(id));
}

/**
 * Bytes of the bodies of a record `t`. These databases read bodies to compute their lengths, but do
 * not send them.
 */
export const bodyBytes = ({ entries }: Tables): string =>
  `length(t.definition) + length(t.state) + if(t.entry_count = 0, 0, (select coalesce(sum(length(e.body)), 0) from ${entries} e where e.id = t.id))`;

/**
 * Bytes of the bodies of records, or of their states alone, in the order of the keys; 0 for a
 * missing record, or one that the server cannot read.
 */
export async function sizes(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
  summary: boolean,
): Promise<number[]> {
  const ids = keys.map(idOf);
  const size = summary ? 'length(t.state)' : bodyBytes(tables);
  const { found } = await readable(ids, async (some) => {
    const statement = `select t.id, ${size} as bytes from ${idsTable(some)} ${byKey(tables, 'k')}`;
    const [result] = await connection.call({ statements: [statement], changes: false });
    return result?.rows ?? [];
  });
  const bytes = new Map(found.map((row) => [string(row['id']), Number(row['bytes'])]));
  return ids.map((id) => bytes.get(id) ?? 0);
}

/** Whole records, in the order of the keys. */
export async function read(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(StoredTransaction | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const call = (wanted: readonly string[]): Promise<Map<string, StoredTransaction>> =>
    find(connection, tables, wanted, async (some) =>
      recordsOf(await connection.call({ statements: recordStatements(tables, some), changes: false })),
    );
  const found = await call(ids);
  const doubtful = ids.filter((id) => found.get(id)?.damaged === true);
  if (doubtful.length === 0) return ids.map((id) => found.get(id));
  // A record deleted in between is missing now; one that lacks entries again is damaged.
  const again = await call(doubtful);
  for (const id of doubtful) found.delete(id);
  return ids.map((id) => again.get(id) ?? found.get(id));
}

/** Versions, in the order of the keys; 0 for a record that the server cannot read. */
export async function versions(
  connection: Connection,
  tables: Tables,
  keys: readonly TransactionKey[],
): Promise<(number | undefined)[]> {
  if (keys.length === 0) return [];
  const ids = keys.map(idOf);
  const { found, unreadable } = await readable(ids, async (some) => {
    const statement = `select t.id, t.version from ${idsTable(some)} ${byKey(tables, 'k')}`;
    const [result] = await connection.call({ statements: [statement], changes: false });
    return result?.rows ?? [];
  });
  const byId = new Map(found.map((row) => [string(row['id']), Number(row['version'])]));
  return ids.map((id) => byId.get(id) ?? (unreadable.has(id) ? 0 : undefined));
}
