import type { TransactionQuery } from '@holdfast/core';
import { PATTERNS, STATUSES } from '@holdfast/protocol';
import { DEFAULT_PAGE_SIZE, defined, type DtmKeyValueQuery, type QueryReader } from '@holdfast/api';

/** Parses the filters of dtm's `/all`. */
export function readListQuery(query: QueryReader): TransactionQuery {
  return {
    ...defined({
      gid: query.text('gid') || undefined,
      status: query.oneOf('status', STATUSES),
      pattern: query.oneOf('transType', PATTERNS),
      createdFromMs: query.count('createTimeStart'),
      createdToMs: query.count('createTimeEnd'),
      cursor: query.text('position') || undefined,
    }),
    limit: query.count('limit') || DEFAULT_PAGE_SIZE,
  };
}

/** Parses the parameters of dtm's `/scanKV`. */
export const readScan = (query: QueryReader): DtmKeyValueQuery => ({
  category: query.text('cat'),
  cursor: query.text('position'),
  limit: query.count('limit'),
});

/** Parses the topic and the URL of `/subscribe` and `/unsubscribe`. */
export const readSubscriber = (query: QueryReader): { readonly topic: string; readonly url: string } => ({
  topic: query.text('topic'),
  url: query.text('url'),
});
