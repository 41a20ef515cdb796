import { type Entry, type RecordHead, type StoredTransaction, transitions, wordsOf } from '@holdfast/core';
import type { Row } from './connection.ts';

/** A row of `transactions` as `pg` answers it, without bodies. */
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

interface RecordRow extends HeadRow {
  readonly definition: Buffer;
  readonly state: Buffer;
  readonly keys: readonly string[] | null;
  readonly bodies: readonly Buffer[] | null;
}

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

/** A whole record. */
export function recordOf(row: Row): StoredTransaction {
  const { definition, state, keys, bodies } = row as unknown as RecordRow;
  const entries = (keys ?? []).map((key, i): Entry => ({ key, body: bodies?.[i] ?? Buffer.alloc(0) }));
  return transitions.storedTransaction(headOf(row), definition, state, entries);
}
