import { isFinal, type HoldfastError } from '@holdfast/protocol';
import { ABORT_ORDER_KEY, encodeAbortOrder, encodeRetryOrder } from '../codec/entry-codec.ts';
import type { Transaction } from '../model.ts';
import { step } from '../patterns/index.ts';
import { type Effects, isRefusal, type Moment, type TransactionEvent } from '../patterns/step.ts';
import type { AppendItem, Entry } from '../store.ts';
import { contradictionOf } from './contradiction.ts';
import { isPast, refused } from './errors.ts';
import type { Delivery, Memory } from './run.ts';

/**
 * What one event makes of a run, beside what the pattern makes of its transaction. Pure; the driver carries it out.
 *
 * E1  What `persist: wait` states is durable before any other effect of that step happens (D1).
 * E5  An event on a transaction that another node drives is left to that node, as an entry, unless it is a decision
 *     that ends that node's ownership.
 */
export type Verdict =
  | { readonly kind: 'refused'; readonly error: HoldfastError }
  /** Another node drives it. Undefined: what was asked for is happening there already. */
  | { readonly kind: 'forward'; readonly entry: Entry | undefined }
  /** Write the transaction, then carry the effects out. */
  | { readonly kind: 'write'; readonly transaction: Transaction; readonly effects: Effects }
  /** Carry the effects out now. `effects.persist` is `lazily` or `none`. */
  | { readonly kind: 'proceed'; readonly transaction: Transaction; readonly effects: Effects };

/** Steps the run's transaction, and says what must happen before the effects. */
export function decide(memory: Memory, before: Transaction, delivery: Delivery, moment: Moment): Verdict {
  const { key } = before;
  const contradiction = contradictionOf(before, delivery, memory.version > 0);
  if (contradiction !== undefined) return { kind: 'refused', error: contradiction };
  const event =
    delivery.event.kind === 'prepared' && memory.version > 0 ? { ...delivery.event, again: true } : delivery.event;
  const stepped = step(before, event, moment);
  if (isRefusal(stepped)) return { kind: 'refused', error: refused(key, stepped, before) };
  // The record was read as it was before this decision, which a write has met: a read may be older.
  const { foundStatus } = memory;
  if (event.kind === 'submitted' && (foundStatus === 'aborting' || foundStatus === 'failed'))
    return { kind: 'refused', error: isPast(key, foundStatus, 'submit') };
  if (memory.ownership === 'theirs' && !takesOver(event, before))
    return { kind: 'forward', entry: orderOf(event, before, memory.writeId) };
  const { transaction, effects } = stepped;
  // What a node crashed with shows at once that this node makes progress: the next claim counts from the start.
  const shows = memory.suspect && effects.persist === 'lazily' && isAnswer(event);
  const changesOwner = isBusy(transaction) !== (memory.ownership === 'ours') || memory.ownership === 'orphaned';
  return { kind: effects.persist === 'wait' || changesOwner || shows ? 'write' : 'proceed', transaction, effects };
}

/** Calls are in progress: only the owner of the record may have any. */
export const isBusy = ({ running, checking }: Transaction): boolean => running.length > 0 || checking;

/** Who owns the record after a write, and when the record is due. */
export function ownershipAfter(
  transaction: Transaction,
  wakeAtMs: number | null,
  nowMs: number,
  mayOwn: boolean,
): { readonly hold: boolean; readonly dueInMs: number | null } {
  if (isFinal(transaction.state.status)) return { hold: false, dueInMs: null };
  if (!isBusy(transaction)) return { hold: false, dueInMs: wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs) };
  // It queues in the store, for any node that may.
  return mayOwn ? { hold: true, dueInMs: null } : { hold: false, dueInMs: 0 };
}

/** Commands find room where branches do not. */
const MAX_ENTRIES = 10_000;

/** The write by which the node that drives a transaction receives a command: with its next write, or when it looks. */
export const forwarded = (transaction: Transaction, entry: Entry): AppendItem => ({
  kind: 'append',
  key: transaction.key,
  whenStatus: entry.key === ABORT_ORDER_KEY ? ['submitted'] : ['submitted', 'aborting'],
  entries: [entry],
  maxEntries: MAX_ENTRIES,
  // Should that node have released it, it is due for the next claim.
  postponeMs: 0,
});

const isAnswer = ({ kind }: TransactionEvent): boolean => kind === 'answered' || kind === 'checked';

/** To abort what is aborting already is to drive it at once. */
function orderOf(event: TransactionEvent, { state }: Transaction, writeId: string): Entry | undefined {
  if (event.kind === 'abort' && state.status === 'submitted') return encodeAbortOrder(event.reason);
  return event.kind === 'abort' || event.kind === 'retry' ? encodeRetryOrder(writeId) : undefined;
}

const STAYS_WITH_ITS_NODE: ReadonlySet<TransactionEvent['kind']> = new Set(['prepared', 'alerted', 'heartbeat']);

/**
 * Whether an event on a transaction that another node drives is decided here, which ends that node's ownership. While
 * the transaction is prepared its node only calls the client; the client's decision counts more. Preparing the
 * transaction again is not a decision, and neither is the acknowledgement of an alert or a heartbeat: these must not
 * start another call.
 */
const takesOver = (event: TransactionEvent, { state }: Transaction): boolean =>
  event.kind === 'stop' ||
  event.kind === 'ended' ||
  event.kind === 'park' ||
  (state.status === 'prepared' && !STAYS_WITH_ITS_NODE.has(event.kind));
