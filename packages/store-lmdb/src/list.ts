import type { ListQuery, Page, StoredTransaction } from '@holdfast/core/store';
import {
  bodyBytes,
  decodeListCursor,
  encodeListCursor,
  passingFilter,
  Room,
  summaryOf,
  transitions,
} from '@holdfast/core/store-kit';
import { ByteWriter } from './bytes.ts';
import type { Environment } from './environment.ts';
import * as keys from './keys.ts';
import { headPasses } from './records.ts';
import { readChange, type Records } from './read.ts';

/**
 * Bounds on what one call examines: records, and bytes of the values that are read to apply a
 * filter. It takes a few milliseconds, in which nothing else runs. A filter with few matches then
 * gives short pages.
 */
const EXAMINED_RECORDS = 1_000;
const EXAMINED_BYTES = 8 * 1024 * 1024;

/** One page, newest first. */
export function list(env: Environment, records: Records, query: ListQuery): Page<StoredTransaction> {
  if (query.gid !== undefined) return listOne(records, query, query.gid);
  const items: StoredTransaction[] = [];
  const room = new Room(query.limit, query.maxBytes);
  let last: Uint8Array | undefined;
  let examined = 0;
  let examinedBytes = 0;
  // Values are read one by one, because a scan would also copy every definition.
  for (const key of env.keys(rangeOf(query), { reverse: true })) {
    // The change of a record is behind its birth, so it comes first in this reverse scan.
    if (last !== undefined && keys.areOfOneRecord(last, key)) continue;
    // Only now it is certain that another record follows the last one.
    const isFull = room.records === 0 || examined === EXAMINED_RECORDS || examinedBytes > EXAMINED_BYTES;
    if (last !== undefined && isFull) return page(items, last);
    const value = env.read(key);
    examined++;
    examinedBytes += value?.length ?? 0;
    const item = value !== undefined && headPasses(value, query) ? itemOf(records, key, value, query) : undefined;
    if (item !== undefined) {
      if (!room.take(bodyBytes(item)) && last !== undefined) return page(items, last);
      items.push(item);
    }
    last = key;
  }
  return { items, next: null };
}

function itemOf(
  records: Records,
  key: Uint8Array,
  value: Uint8Array,
  { summary = false }: ListQuery,
): StoredTransaction | undefined {
  const { head, state } = readChange(value, keys.readRecordKey(key));
  return summary ? transitions.storedTransaction(head, NO_BODY, state, []) : records.complete(head, state);
}

const NO_BODY = new Uint8Array(0);

function page(items: StoredTransaction[], last: Uint8Array): Page<StoredTransaction> {
  const { createdAtMs, key } = keys.readRecordKey(last);
  return { items, next: encodeListCursor({ createdAtMs, gid: key.gid }) };
}

function listOne(records: Records, query: ListQuery, gid: string): Page<StoredTransaction> {
  if (query.cursor !== undefined) decodeListCursor(query.cursor);
  const found = query.cursor === undefined ? records.read({ namespace: query.namespace, gid }) : undefined;
  const items = passingFilter([found], query);
  return { items: query.summary === true ? items.map(summaryOf) : items, next: null };
}

function rangeOf({ namespace, cursor, createdFromMs = 0, createdToMs = keys.LAST_MS - 1 }: ListQuery): keys.Range {
  const writer = new ByteWriter(1024);
  const after = cursor === undefined ? undefined : decodeListCursor(cursor);
  return {
    start: keys.recordsCreatedBefore(writer, namespace, Math.ceil(Math.max(0, createdFromMs))),
    end:
      after === undefined || after.createdAtMs > createdToMs
        ? keys.recordsCreatedBefore(writer, namespace, Math.floor(Math.max(-1, createdToMs)) + 1)
        : keys.recordsBelow(writer, { key: { namespace, gid: after.gid }, createdAtMs: after.createdAtMs }),
  };
}
