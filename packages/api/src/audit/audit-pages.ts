import { HoldfastError, type AuditPage } from '@holdfast/protocol';
import type { AuditLog } from './audit-log.ts';
import { type AuditFields, readEntry } from './chain.ts';

export interface AuditQuery {
  readonly order: 'newest' | 'oldest';
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly principal?: string | undefined;
  readonly gid?: string | undefined;
  readonly operation?: string | undefined;
}

/** Entries that one page examines; a page with a filter may be short, and still have a next. */
const EXAMINED = 1_000;
/** Entries that are read at once. */
const BATCH = 100;

const SEQUENCE = /^[1-9]\d{0,15}$/;

/**
 * One page of the audit log. Newest first by numbers, which an old entry cannot hide; oldest first
 * by keys, so that a check sees every entry, also those after a gap.
 */
export const auditPageOf = (log: AuditLog, query: AuditQuery): Promise<AuditPage> =>
  query.order === 'newest' ? newestFirst(log, query) : oldestFirst(log, query);

async function newestFirst(log: AuditLog, query: AuditQuery): Promise<AuditPage> {
  const { stored } = log;
  const { cursor, limit, fromMs = 0 } = query;
  if (cursor !== undefined && !SEQUENCE.test(cursor)) throw badCursor();
  const head = await log.head();
  const anchor = await stored.anchor();
  let before = Math.min(cursor === undefined ? Infinity : Number(cursor), head.sequence + 1);
  const items: AuditPage['items'] = [];
  const lastExamined = Math.max(anchor.sequence, before - 1 - EXAMINED);
  while (before - 1 > lastExamined) {
    const size = Math.min(BATCH, limit - items.length, before - 1 - lastExamined);
    const sequences = Array.from({ length: size }, (_, n) => before - 1 - n);
    for (const entry of await stored.readAll(sequences)) {
      // Times never decrease: all earlier entries are too old.
      if (entry !== undefined && entry.fields.atMs < fromMs) return pageOf(items, null, anchor);
      if (entry !== undefined && matches(entry.fields, query))
        items.push({ sequence: entry.sequence, line: entry.line });
    }
    before -= size;
    if (items.length >= limit) break;
  }
  return pageOf(items, before - 1 > anchor.sequence ? String(before) : null, anchor);
}

async function oldestFirst({ stored }: AuditLog, query: AuditQuery): Promise<AuditPage> {
  const items: AuditPage['items'] = [];
  const { lines, next } = await stored.scan(query.cursor, query.limit);
  // Read after the entries, so that those that were deleted in between are before it.
  const anchor = await stored.anchor();
  for (const line of lines) {
    const entry = readEntry(line);
    if (entry === undefined) items.push({ sequence: 0, line });
    else if (entry.sequence > anchor.sequence && matches(entry.fields, query))
      items.push({ sequence: entry.sequence, line });
  }
  return pageOf(items, next, anchor);
}

const pageOf = (
  items: AuditPage['items'],
  next: string | null,
  { sequence, hash }: AuditPage['anchor'],
): AuditPage => ({ items, next, anchor: { sequence, hash } });

function matches(fields: AuditFields, { fromMs = 0, toMs = Infinity, ...query }: AuditQuery): boolean {
  if (fields.atMs < fromMs || fields.atMs > toMs) return false;
  const { principal, operation, on } = fields;
  if (query.principal !== undefined && query.principal !== principal) return false;
  if (query.operation !== undefined && query.operation !== operation) return false;
  return query.gid === undefined || (isObject(on) && on['gid'] === query.gid);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const badCursor = (): HoldfastError =>
  new HoldfastError('invalid', 'the cursor is not one of the audit log; repeat without it', { field: ['cursor'] });
