import { type ListQuery, type Page, STORE_LIMITS, type StoredTransaction } from '@holdfast/core/store';
import {
  decodeListCursor,
  encodeListCursor,
  examinedBy,
  isSingle,
  passingFilter,
  singlePage,
} from '@holdfast/core/store-kit';
import type { Reply } from './connection.ts';
import { type Installation, LOOKED_AT } from './installation.ts';
import { read } from './read.ts';
import { listOf, textOf } from './records.ts';
import { LIST } from './scripts/index.ts';

/** Later than every stored time. */
const LAST_MS = 99_999_999_999_998;

/** One page, newest first. */
export async function list(keys: Installation, query: ListQuery): Promise<Page<StoredTransaction>> {
  const { namespace, limit, maxBytes = STORE_LIMITS.responseBytes, summary = false } = query;
  if (isSingle(query)) return singlePage(query, () => read(keys, [{ namespace, gid: query.gid }], { summary }));
  const filters = [query.status ?? '', query.pattern ?? '', attentionOf(query)];
  const most = examinedBy(query, LOOKED_AT);
  const reply = listOf(await keys.run(LIST, [namespace, ...rangeOf(query), most, ...filters, limit + 1]));
  const positions = listOf(reply[2]).map(positionOf);
  const wanted = positions.slice(0, limit).map(({ gid }) => ({ namespace, gid }));
  const records = await read(keys, wanted, { maxBytes, summary });
  // Excludes records that were deleted or changed between the calls.
  const items = passingFilter(records, query);
  const last =
    records.length < positions.length
      ? positions[records.length - 1]
      : reply[0] === most
        ? positionOf(reply[1])
        : undefined;
  return { items, next: last === undefined ? null : encodeListCursor(last) };
}

/** The first and the last position, in the form of `ZREVRANGEBYLEX`. */
function rangeOf({ cursor, createdFromMs = 0, createdToMs = LAST_MS }: ListQuery): [from: string, to: string] {
  const end = padded(Math.floor(createdToMs) + 1);
  const below = cursor === undefined ? undefined : decodeListCursor(cursor);
  const from = below === undefined ? end : `${padded(below.createdAtMs)}${below.gid}`;
  const first = Buffer.compare(Buffer.from(from), Buffer.from(end)) < 0 ? from : end;
  return [`(${first}`, `[${padded(Math.ceil(createdFromMs))}`];
}

const padded = (ms: number): string => String(Math.min(Math.max(ms, 0), LAST_MS + 1)).padStart(14, '0');

function positionOf(reply: Reply | undefined): { readonly createdAtMs: number; readonly gid: string } {
  const text = textOf(reply);
  return { createdAtMs: Number(text.slice(0, 14)), gid: text.slice(14) };
}

const attentionOf = ({ attention }: ListQuery): string => (attention === undefined ? '' : attention ? '1' : '0');
