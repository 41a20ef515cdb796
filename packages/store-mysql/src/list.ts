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
import type { Row } from './call.ts';
import type { Parts } from './parts.ts';
import { read, readSummaries, sizes } from './read.ts';
import { keyOf, string } from './records.ts';
import { number, text } from './sql.ts';
import { isUnreadable } from './unreadable.ts';

/** Records that one call examines. A filter with few matches then gives short pages. */
const LOOKED_AT = 2_000;
/** Later than every stored time. */
const LAST_MS = 100_000_000_000_000;

/** Records whose lengths and bodies one call reads: at most these exceed the bound on bytes. */
const CHUNK = 200;

/** One page, newest first. */
export async function list(parts: Parts, query: ListQuery): Promise<Page<StoredTransaction>> {
  const { namespace, limit, summary = false } = query;
  const { rest, tables } = parts;
  const readAll = summary ? readSummaries : read;
  if (isSingle(query)) return singlePage(query, () => readAll(rest, tables, [{ namespace, gid: query.gid }]));
  const most = examinedBy(query, LOOKED_AT);
  const { looked, found } = await positionsOf(parts, query, most);
  const room = new Room(limit, query.maxBytes);
  const items: StoredTransaction[] = [];
  let chosen = 0;
  while (chosen < Math.min(found.length, limit)) {
    const keys = found.slice(chosen, Math.min(chosen + CHUNK, limit)).map((row) => keyOf(string(row['id'])));
    const lengths = await sizes(rest, tables, keys, summary);
    const beyond = lengths.findIndex((bytes) => !room.take(bytes));
    const fitting = beyond < 0 ? keys : keys.slice(0, beyond);
    // Excludes records that were deleted or changed between the calls.
    items.push(...passingFilter(await readAll(rest, tables, fitting), query));
    chosen += fitting.length;
    if (beyond >= 0) break;
  }
  const last = chosen < found.length ? found[chosen - 1] : looked.length === most ? looked.at(-1) : undefined;
  return { items, next: last === undefined ? null : encodeListCursor(positionOf(last)) };
}

/** The positions examined, and those of them that pass the filter, newest first. */
async function positionsOf({ rest, tables }: Parts, query: ListQuery, most: number) {
  const look = async (filtered: boolean): Promise<readonly Row[]> => {
    const statement = positions(tables.transactions, query, most, filtered);
    const [result] = await rest.call({ statements: [statement], changes: false });
    return result?.rows ?? [];
  };
  try {
    const looked = await look(true);
    return { looked, found: looked.filter((row) => passes(row, query)) };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    // Only the index can be read, which lacks the filtered columns, so the records themselves are
    // filtered.
    const looked = await look(false);
    return { looked, found: looked };
  }
}

/** Walks the index backwards from the cursor. */
function positions(transactions: string, query: ListQuery, most: number, filtered: boolean): string {
  const { namespace, cursor, createdFromMs = 0, createdToMs = LAST_MS } = query;
  const below = cursor === undefined ? undefined : decodeListCursor(cursor);
  const to = Math.min(Math.floor(createdToMs), below?.createdAtMs ?? LAST_MS, LAST_MS);
  const behind =
    below === undefined
      ? ''
      : ` and (created_at < ${number(below.createdAtMs)} or id < ${text(`${namespace}\0${below.gid}`)})`;
  return `select id, created_at${filtered ? ', status, pattern, attention' : ''} from ${transactions} force index (created)
where namespace = ${text(namespace)} and created_at between ${number(Math.max(0, createdFromMs))} and ${number(to)}${behind}
order by created_at desc, id desc limit ${number(most)}`;
}

const passes = (row: Row, { status, pattern, attention }: ListQuery): boolean =>
  (status === undefined || string(row['status']) === status) &&
  (pattern === undefined || string(row['pattern']) === pattern) &&
  (attention === undefined || (Number(row['attention']) === 1) === attention);

const positionOf = (row: Row) => ({ createdAtMs: Number(row['created_at']), gid: keyOf(string(row['id'])).gid });
