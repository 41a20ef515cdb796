import type { Entry } from '@holdfast/core/store';
import { type RecordHead, wordsOf } from '@holdfast/core/store-kit';
import { isFinal, type Status, type TransactionKey } from '@holdfast/protocol';
import type { Row } from './call.ts';

/** Columns of a record without its bodies. */
export const HEAD =
  't.id, t.version, t.created_at, t.updated_at, t.place, t.at, t.claims, t.entry_count, t.attention, t.status, t.pattern, t.app_group, t.write_id';

/** The key as one text; neither part contains a NUL. */
export const idOf = ({ namespace, gid }: TransactionKey): string => `${namespace}\0${gid}`;

export function keyOf(id: string): TransactionKey {
  const at = id.indexOf('\0');
  return { namespace: id.slice(0, at), gid: id.slice(at + 1) };
}

/** First letters of `place`. */
export const PLACES = { due: 'd', owned: 'o', finished: 'f', parked: 'p' } as const;

/** The place of a record after an item was applied. */
export function placeOf(item: {
  readonly status: Status;
  readonly owner: string | null;
  readonly dueInMs: number | null;
}): string {
  if (isFinal(item.status)) return PLACES.finished;
  if (item.owner !== null) return `${PLACES.owned}${item.owner}`;
  return item.dueInMs === null ? PLACES.parked : PLACES.due;
}

export const string = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString() : String(value));
export const body = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

/** A record without its bodies. */
export function headOf(row: Row): RecordHead {
  const place = string(row['place']);
  const kind = place.slice(0, 1);
  const atMs = Number(row['at']);
  return {
    key: keyOf(string(row['id'])),
    ...wordsOf(string(row['pattern']), string(row['status'])),
    group: string(row['app_group']),
    version: Number(row['version']),
    writeId: string(row['write_id']),
    owner: kind === PLACES.owned ? place.slice(1) : null,
    claims: Number(row['claims']),
    dueAtMs: kind === PLACES.due ? atMs : null,
    attention: Number(row['attention']) === 1,
    createdAtMs: Number(row['created_at']),
    updatedAtMs: Number(row['updated_at']),
    finishedAtMs: kind === PLACES.finished ? atMs : null,
    entryCount: Number(row['entry_count']),
  };
}

export const entryOf = (row: Row): Entry => ({ key: string(row['entry_key']), body: body(row['body']) });
