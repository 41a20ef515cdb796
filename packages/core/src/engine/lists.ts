import type { TransactionQuery, TransactionView } from '../coordinator.ts';
import type { Clock } from '../environment.ts';
import type { ListQuery, Page, Store, StoredTransaction } from '../store/store.ts';
import { STORE_LIMITS } from '../store/rules.ts';
import { bodyBytes } from '../store-kit/room.ts';
import { viewOf } from './records.ts';

interface ListDependencies {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * The longest time that one request searches before it returns the matches so far, with a cursor.
 */
const SEARCH_MS = 1_000;

/**
 * Pages of transactions. One call of the store examines a bounded number of records, so that a
 * filter with few matches would give short or empty pages. A page therefore continues the search
 * until it is full.
 *
 * I1  A page without a cursor is the last one. A page with a cursor is full, has reached its limit
 *     of bytes, or its search took `SEARCH_MS`.
 * I2  The store's counters end a search for a status or for attention as soon as all matches were
 *     found.
 */
export async function listPage(
  { store, clock }: ListDependencies,
  namespace: string,
  query: TransactionQuery,
): Promise<Page<TransactionView>> {
  const pageOf = async (
    records: readonly StoredTransaction[],
    next: string | null,
  ): Promise<Page<TransactionView>> => ({
    items: await viewsOf(records, query.summary === true, clock),
    next,
  });
  const endMs = clock.monotonicMs() + SEARCH_MS;
  const found: StoredTransaction[] = [];
  let bytes = 0;
  let cursor = query.cursor;
  if (await isComplete(store, namespace, query, 0)) return { items: [], next: null };
  for (;;) {
    const limit = query.limit - found.length;
    const page = await store.list({ ...query, namespace, limit, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items);
    bytes = page.items.reduce((sum, record) => sum + bodyBytes(record), bytes);
    const isFull = found.length === query.limit || bytes > STORE_LIMITS.responseBytes / 2;
    if (page.next === null || isFull || !isSearch(query) || clock.monotonicMs() >= endMs)
      return pageOf(found, page.next);
    if (page.items.length > 0 && (await isComplete(store, namespace, query, found.length))) return pageOf(found, null);
    cursor = page.next;
    // A store in this process lists synchronously; other events must be processed in between.
    await nextTurn(clock);
  }
}

/** How long records are decoded before other events are processed. */
const TURN_MS = 2;

async function viewsOf(
  records: readonly StoredTransaction[],
  summary: boolean,
  clock: Clock,
): Promise<TransactionView[]> {
  const views: TransactionView[] = [];
  let startedMs = clock.monotonicMs();
  for (const record of records) {
    if (clock.monotonicMs() - startedMs > TURN_MS) {
      await nextTurn(clock);
      startedMs = clock.monotonicMs();
    }
    views.push(viewOf(record, summary));
  }
  return views;
}

/** Resolves after other events were processed. */
const nextTurn = (clock: Clock): Promise<void> => new Promise((resolve) => void clock.setTimer(0, resolve));

/** Only a filter can make a page short for another reason than its bytes. */
const isSearch = ({ status, pattern, attention }: ListQuery | TransactionQuery): boolean =>
  status !== undefined || pattern !== undefined || attention !== undefined;

/** Whether the counters of the namespace show that there are at most `found` matches. */
async function isComplete(
  store: Store,
  namespace: string,
  { status, attention, cursor }: TransactionQuery,
  found: number,
): Promise<boolean> {
  // The number of matches before the cursor is unknown.
  if (status === undefined && attention !== true) return false;
  if (cursor !== undefined && found > 0) return false;
  const counts = await store.count(namespace);
  const most = Math.min(
    status === undefined ? Infinity : counts.byStatus[status],
    attention === true ? counts.attention : Infinity,
  );
  return found >= most;
}
