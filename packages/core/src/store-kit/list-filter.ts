import type { ListQuery, StoredTransaction } from '../store/store.ts';

/**
 * Whether a record matches a list query: status, pattern, attention and creation time (both ends
 * inclusive). Namespace, gid and cursor select the range to search, which is the store driver's
 * task.
 */
export const passesFilter = (record: StoredTransaction, query: ListQuery): boolean =>
  (query.status === undefined || record.status === query.status) &&
  (query.pattern === undefined || record.pattern === query.pattern) &&
  (query.attention === undefined || record.attention === query.attention) &&
  record.createdAtMs >= (query.createdFromMs ?? 0) &&
  record.createdAtMs <= (query.createdToMs ?? Infinity);

/**
 * The records that still exist and match. Store drivers read records after selecting them, and some
 * may be deleted or changed by then.
 */
export const passingFilter = (
  found: readonly (StoredTransaction | undefined)[],
  query: ListQuery,
): StoredTransaction[] =>
  found.flatMap((record) => (record !== undefined && passesFilter(record, query) ? [record] : []));

const NO_BODY = new Uint8Array(0);

/** A record for a list without payloads. */
export const summaryOf = (record: StoredTransaction): StoredTransaction => ({
  ...record,
  definition: NO_BODY,
  entries: [],
});
