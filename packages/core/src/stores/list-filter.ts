import type { ListQuery, StoredTransaction } from '../store.ts';

/**
 * Whether a record is what a list asks for: status, pattern, attention and time of creation, whose ends both belong to it. Namespace, gid and cursor
 * say where to look, and are the driver's.
 */
export const passesFilter = (record: StoredTransaction, query: ListQuery): boolean =>
  (query.status === undefined || record.status === query.status) &&
  (query.pattern === undefined || record.pattern === query.pattern) &&
  (query.attention === undefined || record.attention === query.attention) &&
  record.createdAtMs >= (query.createdFromMs ?? 0) &&
  record.createdAtMs <= (query.createdToMs ?? Infinity);

/** Of what was found, what is there and passes the filter; drivers read records after they chose them, and some are gone or changed by then. */
export const passingFilter = (
  found: readonly (StoredTransaction | undefined)[],
  query: ListQuery,
): StoredTransaction[] =>
  found.flatMap((record) => (record !== undefined && passesFilter(record, query) ? [record] : []));

const NO_BODY = new Uint8Array(0);

/** A record as a list shows it that shows no payload. */
export const summaryOf = (record: StoredTransaction): StoredTransaction => ({
  ...record,
  definition: NO_BODY,
  entries: [],
});
