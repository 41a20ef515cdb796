import type { ListQuery, Page, StoredTransaction } from '@holdfast/core/store';
import {
  decodeListCursor,
  encodeListCursor,
  examinedBy,
  isSingle,
  passingFilter,
  Room,
  singlePage,
} from '@holdfast/core/store-kit';
import type { TransactionKey } from '@holdfast/protocol';
import type { Connection } from './connection.ts';
import { LIST } from './statements/index.ts';

/** Records that one call examines. A filter with few matches then gives short pages. */
const LOOKED_AT = 2_000;
/** Later than every stored time. */
const LAST_MS = 100_000_000_000_000;

interface PositionRow {
  readonly gid: string;
  readonly created_at: number;
  /** Set only in the row where the search ended: the number of records examined. */
  readonly looked: number | null;
  /** Size of the bodies; null for a record that was deleted concurrently. */
  readonly bytes: number | null;
}

type Read = (keys: readonly TransactionKey[], summary: boolean) => Promise<readonly (StoredTransaction | undefined)[]>;

/** One page, newest first. */
export async function list(connection: Connection, read: Read, query: ListQuery): Promise<Page<StoredTransaction>> {
  const { namespace, summary = false } = query;
  if (isSingle(query)) return singlePage(query, () => read([{ namespace, gid: query.gid }], summary));
  const looked = examinedBy(query, LOOKED_AT);
  const rows = (await connection.query(LIST, valuesOf(query, looked))) as unknown as readonly PositionRow[];
  const end = rows.find((row) => row.looked !== null);
  const found = rows.filter((row) => row.looked === null);
  const room = new Room(query.limit, query.maxBytes);
  const beyond = found.findIndex(({ bytes }) => !room.take(bytes ?? 0));
  const chosen = beyond < 0 ? found : found.slice(0, beyond);
  const records = await read(
    chosen.map(({ gid }) => ({ namespace, gid })),
    summary,
  );
  // Excludes records that were deleted or changed between the two statements.
  const items = passingFilter(records, query);
  const last = beyond >= 0 ? chosen.at(-1) : end?.looked === looked ? end : undefined;
  return { items, next: last === undefined ? null : encodeListCursor({ createdAtMs: last.created_at, gid: last.gid }) };
}

function valuesOf(query: ListQuery, looked: number): unknown[] {
  const { namespace, cursor, createdFromMs = 0, createdToMs = LAST_MS, limit } = query;
  const below = cursor === undefined ? { createdAtMs: LAST_MS, gid: '' } : decodeListCursor(cursor);
  const filters = [query.status ?? null, query.pattern ?? null, query.attention ?? null];
  const span = [Math.ceil(createdFromMs), Math.floor(createdToMs)];
  return [
    ...[namespace, ...span, Math.min(below.createdAtMs, LAST_MS), below.gid, looked],
    ...[...filters, limit + 1, query.summary === true],
  ];
}
