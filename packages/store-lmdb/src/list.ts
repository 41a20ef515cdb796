import {
  decodeListCursor,
  encodeListCursor,
  type ListQuery,
  type Page,
  type RecordHead,
  type StoredTransaction,
} from '@holdfast/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Environment, KeyAndValue } from './environment.ts';
import * as keys from './keys.ts';
import { readHead, readState } from './record.ts';
import type { Records } from './records.ts';

/** Records that one call looks at: some ten milliseconds, for which nothing else runs. A filter that matches little gives short pages then. */
const LOOKED_AT = 2_000;

/** One page, newest first. */
export function list(env: Environment, records: Records, query: ListQuery): Page<StoredTransaction> {
  if (query.gid !== undefined) return listOne(records, query, query.gid);
  const items: StoredTransaction[] = [];
  let last: keys.RecordPlace | undefined;
  let looked = 0;
  for (const { head, state } of newestFirst(env, query)) {
    // Only now it is known that something follows the last one.
    if (last !== undefined && (items.length === query.limit || looked === LOOKED_AT)) return page(items, last);
    last = head;
    looked++;
    const item = matches(head, query) ? records.complete(head, state) : undefined;
    if (item !== undefined) items.push(item);
  }
  return page(items, undefined);
}

function listOne(records: Records, query: ListQuery, gid: string): Page<StoredTransaction> {
  if (query.cursor !== undefined) decodeListCursor(query.cursor);
  const found = query.cursor === undefined ? records.read({ namespace: query.namespace, gid }) : undefined;
  return page(found !== undefined && matches(found, query) ? [found] : [], undefined);
}

const page = (items: StoredTransaction[], end: keys.RecordPlace | undefined): Page<StoredTransaction> => ({
  items,
  next: end === undefined ? null : encodeListCursor({ createdAtMs: end.createdAtMs, gid: end.key.gid }),
});

/** Heads and states in the range of a query. */
function* newestFirst(env: Environment, query: ListQuery): Generator<{ head: RecordHead; state: Uint8Array }> {
  let previous: keys.RecordPlace | undefined;
  for (const stored of env.scan(rangeOf(query), { reverse: true })) {
    const place = keys.readRecordKey(stored.key);
    // What changed lies behind the birth, and so comes first here.
    if (previous !== undefined && isSame(previous, place)) continue;
    previous = place;
    yield readChange(stored, place);
  }
}

function readChange({ value }: KeyAndValue, place: keys.RecordPlace): { head: RecordHead; state: Uint8Array } {
  const from = new ByteReader(value);
  return { head: readHead(from, place), state: readState(from) };
}

const isSame = (a: keys.RecordPlace, b: keys.RecordPlace): boolean =>
  a.createdAtMs === b.createdAtMs && a.key.gid === b.key.gid;

function rangeOf({ namespace, cursor, createdFromMs = 0, createdToMs = keys.LAST_MS - 1 }: ListQuery): keys.Range {
  const writer = new ByteWriter(1024);
  const after = cursor === undefined ? undefined : decodeListCursor(cursor);
  const end = keys.recordsCreatedBefore(writer, namespace, Math.floor(createdToMs) + 1);
  return {
    start: keys.recordsCreatedBefore(writer, namespace, Math.ceil(createdFromMs)),
    end:
      after === undefined || after.createdAtMs > createdToMs
        ? end
        : keys.recordsBelow(writer, { key: { namespace, gid: after.gid }, createdAtMs: after.createdAtMs }),
  };
}

const matches = (
  { status, pattern, attention, createdAtMs }: Omit<RecordHead, 'entryCount'>,
  query: ListQuery,
): boolean =>
  (query.status === undefined || status === query.status) &&
  (query.pattern === undefined || pattern === query.pattern) &&
  (query.attention === undefined || attention === query.attention) &&
  createdAtMs >= (query.createdFromMs ?? 0) &&
  createdAtMs <= (query.createdToMs ?? Infinity);
