import type { KeyValue, ListQuery, Page, StoredTransaction } from '../store/store.ts';
import { decodeListCursor, encodeKeyCursor } from '../store/cursor.ts';
import { passingFilter } from './list-filter.ts';

/** A list query for one transaction. */
export type SingleQuery = ListQuery & { readonly gid: string };

/** Whether the query is for one transaction, which needs no search. */
export const isSingle = (query: ListQuery): query is SingleQuery => query.gid !== undefined;

/**
 * The page of a query for one transaction: the only page, so nothing follows a cursor.
 * @param read reads the record, without definition and entries if the query is for a summary
 */
export async function singlePage(
  query: SingleQuery,
  read: () => Promise<readonly (StoredTransaction | undefined)[]>,
): Promise<Page<StoredTransaction>> {
  if (query.cursor !== undefined) decodeListCursor(query.cursor);
  const found = query.cursor === undefined ? await read() : [];
  return { items: passingFilter(found, query), next: null };
}

/**
 * Number of records that the search for one page examines. Every record matches a query without
 * a filter, and one more record than the page holds shows whether another page follows.
 * @param most records that one call examines for a filter; with few matches, pages are short
 */
export const examinedBy = ({ status, pattern, attention, limit }: ListQuery, most: number): number =>
  status === undefined && pattern === undefined && attention === undefined ? limit + 1 : Math.max(most, limit + 1);

/**
 * A page of key-values.
 * @param isMore whether the category has further items after these
 */
export function keyValuePage(items: readonly KeyValue[], isMore: boolean): Page<KeyValue> {
  const last = items.at(-1);
  return { items, next: last !== undefined && isMore ? encodeKeyCursor(last.key) : null };
}
