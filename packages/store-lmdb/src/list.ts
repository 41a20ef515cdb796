import {
  decodeListCursor,
  encodeListCursor,
  type ListQuery,
  type Page,
  passingFilter,
  type StoredTransaction,
} from '@holdfast/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Environment } from './environment.ts';
import * as keys from './keys.ts';
import { headPasses, readHead, readState } from './record.ts';
import type { Records } from './records.ts';

/** Records that one call looks at: a few milliseconds, for which nothing else runs. A filter that matches little gives short pages then. */
const LOOKED_AT = 1_000;

/** One page, newest first. */
export function list(env: Environment, records: Records, query: ListQuery): Page<StoredTransaction> {
  if (query.gid !== undefined) return listOne(records, query, query.gid);
  const items: StoredTransaction[] = [];
  let last: Uint8Array | undefined;
  let looked = 0;
  for (const { key, value } of env.scan(rangeOf(query), { reverse: true })) {
    // What changed lies behind the birth, and so comes first here.
    if (last !== undefined && keys.areOfOneRecord(last, key)) continue;
    // Only now it is known that something follows the last one.
    if (last !== undefined && (items.length === query.limit || looked === LOOKED_AT)) return page(items, last);
    last = key;
    looked++;
    if (headPasses(value, query)) items.push(...complete(records, key, value));
  }
  return { items, next: null };
}

function complete(records: Records, key: Uint8Array, value: Uint8Array): StoredTransaction[] {
  const from = new ByteReader(value);
  const head = readHead(from, keys.readRecordKey(key));
  return optional(records.complete(head, readState(from)));
}

const optional = <T>(found: T | undefined): T[] => (found === undefined ? [] : [found]);

function page(items: StoredTransaction[], last: Uint8Array): Page<StoredTransaction> {
  const { createdAtMs, key } = keys.readRecordKey(last);
  return { items, next: encodeListCursor({ createdAtMs, gid: key.gid }) };
}

function listOne(records: Records, query: ListQuery, gid: string): Page<StoredTransaction> {
  if (query.cursor !== undefined) decodeListCursor(query.cursor);
  const found = query.cursor === undefined ? records.read({ namespace: query.namespace, gid }) : undefined;
  return { items: passingFilter([found], query), next: null };
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
