import { type StoredTransaction, StoreError } from '@holdfast/core/store';
import { transitions } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import { textArray } from './arrays.ts';
import type { Connection, Statement } from './connection.ts';
import { mayBeUnreadable } from './errors.ts';
import { headOf, idOf, recordsOf } from './records.ts';
import { GET, GET_HEADS, GET_SUMMARIES } from './statements/index.ts';

/** Keys as the parameters of a statement. */
export const keyArrays = (keys: readonly TransactionKey[]): unknown[] => [
  textArray(keys.map(({ namespace }) => namespace)),
  textArray(keys.map(({ gid }) => gid)),
];

type Found = ReadonlyMap<string, StoredTransaction>;

/**
 * Whole records, or records without definitions and entries, in the order of the keys. A record
 * whose bodies the server cannot read, for example because of a damaged page, is returned without
 * them, as `unreadable`; the other records are still read. An error that would end any read, such
 * as a timeout, proves nothing about the records and is thrown.
 */
export async function read(
  connection: Connection,
  keys: readonly TransactionKey[],
  summary = false,
): Promise<(StoredTransaction | undefined)[]> {
  if (keys.length === 0) return [];
  const found = await find(connection, summary ? GET_SUMMARIES : GET, keys);
  return keys.map((key) => found.get(idOf(key)));
}

async function find(connection: Connection, statement: Statement, keys: readonly TransactionKey[]): Promise<Found> {
  try {
    return recordsOf(await connection.query(statement, keyArrays(keys)), statement === GET_SUMMARIES);
  } catch (thrown) {
    if (!(thrown instanceof StoreError) || !mayBeUnreadable(thrown.cause)) throw thrown;
    if (keys.length === 1) return heads(connection, keys, thrown);
  }
  const half = keys.length >> 1;
  const first = await find(connection, statement, keys.slice(0, half));
  return new Map([...first, ...(await find(connection, statement, keys.slice(half)))]);
}

const NO_BODY = new Uint8Array();

async function heads(connection: Connection, keys: readonly TransactionKey[], error: StoreError): Promise<Found> {
  const rows = await connection.query(GET_HEADS, keyArrays(keys));
  const unreadable = `PostgreSQL cannot read its bodies: ${error.message}`;
  const records = rows.map((row) =>
    transitions.storedTransaction({ ...headOf(row), unreadable, withoutBodies: true }, NO_BODY, NO_BODY, []),
  );
  return new Map(records.map((record) => [idOf(record.key), record]));
}
