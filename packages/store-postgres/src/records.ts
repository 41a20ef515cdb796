import type { Entry, StoredTransaction } from '@holdfast/core/store';
import { type RecordHead, transitions, wordsOf } from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import type { Row } from './connection.ts';

/** A row of `transactions` as returned by `pg`, without bodies. */
interface HeadRow {
  readonly namespace: string;
  readonly gid: string;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly due_at: number | null;
  readonly finished_at: number | null;
  readonly claims: number;
  readonly entry_count: number;
  readonly attention: boolean;
  readonly status: string;
  readonly pattern: string;
  readonly app_group: string;
  readonly owner: string | null;
  readonly write_id: string;
}

/** A row is a record, which has a version, or an entry, which has a key. */
interface RecordRow extends HeadRow {
  readonly definition: Buffer;
  readonly state: Buffer;
}

interface EntryRow {
  readonly namespace: string;
  readonly gid: string;
  readonly key: string;
  readonly position: number;
  readonly body: Buffer;
}

/** An entry and its position among those of its record. */
export interface Placed extends Entry {
  readonly position: number;
}

/** Neither part of a key contains a NUL, so that no two keys have the same text. */
export const idOf = (key: TransactionKey): string => `${key.namespace}\0${key.gid}`;

/** A record without its bodies. */
export function headOf(row: Row): RecordHead {
  const head = row as unknown as HeadRow;
  return {
    key: { namespace: head.namespace, gid: head.gid },
    ...wordsOf(head.pattern, head.status),
    group: head.app_group,
    version: head.version,
    writeId: head.write_id,
    owner: head.owner,
    claims: head.claims,
    dueAtMs: head.due_at,
    attention: head.attention,
    createdAtMs: head.created_at,
    updatedAtMs: head.updated_at,
    finishedAtMs: head.finished_at,
    entryCount: head.entry_count,
  };
}

/**
 * Separates the rows of records from those of their entries, which are in order, by the ID of the
 * record.
 */
export function sorted(rows: readonly Row[]): {
  readonly records: ReadonlyMap<string, Row>;
  readonly entries: ReadonlyMap<string, readonly Placed[]>;
} {
  const records = new Map<string, Row>();
  const entries = new Map<string, Placed[]>();
  for (const row of rows) {
    const { key, position, body, ...record } = row as unknown as EntryRow;
    const id = idOf(record);
    if (key === undefined || key === null) records.set(id, row);
    else {
      const list = entries.get(id) ?? [];
      list.push({ key, position, body });
      entries.set(id, list);
    }
  }
  for (const list of entries.values()) list.sort((a, b) => a.position - b.position);
  return { records, entries };
}

/**
 * Records by their IDs. A whole record that lacks entries is damaged: without all its branches it
 * would be driven to a wrong result.
 */
export function recordsOf(rows: readonly Row[], isSummary: boolean): Map<string, StoredTransaction> {
  const { records, entries } = sorted(rows);
  const found = new Map<string, StoredTransaction>();
  for (const [id, row] of records) {
    const { definition, state, entry_count: count } = row as unknown as RecordRow;
    const own = (entries.get(id) ?? []).map(({ key, body }): Entry => ({ key, body }));
    const record = transitions.storedTransaction(headOf(row), definition, state, own);
    found.set(id, isSummary ? record : transitions.withEntriesCounted(record, count));
  }
  return found;
}
