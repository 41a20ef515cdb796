import { isFinal, type HoldfastError } from '@holdfast/protocol';
import { ABORT_COMMAND_KEY, encodeAbortCommand, encodeRetryCommand } from '../codec/entry-codec.ts';
import type { Transaction } from '../patterns/model.ts';
import { step } from '../patterns/index.ts';
import { type Effects, isRefusal, type Moment, type TransactionEvent } from '../patterns/step.ts';
import type { AppendItem, Entry } from '../store/store.ts';
import { contradictionOf } from './contradiction.ts';
import { isPast, refused } from './errors.ts';
import type { Delivery } from './delivery.ts';
import type { Memory } from './memory.ts';

/**
 * Decides what one event does to a run, in addition to what the pattern does to its transaction.
 * Pure; the Runner carries the verdict out.
 *
 * E5  An event on a transaction that another node drives is left to that node, as an entry, unless
 *     the event is a decision that ends that node's ownership.
 */
export type Verdict =
  | { readonly kind: 'refused'; readonly error: HoldfastError }
  /**
   * Another node drives the transaction. `entry` is undefined if that node already does what the
   * event requests.
   */
  | { readonly kind: 'forward'; readonly entry: Entry | undefined }
  /** Write the transaction, then carry the effects out. */
  | { readonly kind: 'write'; readonly transaction: Transaction; readonly effects: Effects }
  /** Carry the effects out now. `effects.persist` is `lazily` or `none`. */
  | { readonly kind: 'proceed'; readonly transaction: Transaction; readonly effects: Effects };

/** Steps the run's transaction, and returns what must happen before the effects. */
export function decide(memory: Memory, before: Transaction, delivery: Delivery, moment: Moment): Verdict {
  const { key } = before;
  const contradiction = contradictionOf(before, delivery, memory.version > 0);
  if (contradiction !== undefined) return { kind: 'refused', error: contradiction };
  const event =
    delivery.event.kind === 'prepared' && memory.version > 0 ? { ...delivery.event, again: true } : delivery.event;
  const stepped = step(before, event, moment);
  if (isRefusal(stepped)) return { kind: 'refused', error: refused(key, stepped, before) };
  // `transaction` may come from a read that is older than `foundStatus`, the status that a
  // conflicting write found in the record.
  const { foundStatus } = memory;
  if (event.kind === 'submitted' && (foundStatus === 'aborting' || foundStatus === 'failed'))
    return { kind: 'refused', error: isPast(key, foundStatus, 'submit') };
  if (memory.ownership === 'theirs' && !takesOver(event, before))
    return { kind: 'forward', entry: entryOf(event, before, memory.writeId) };
  const { transaction, effects } = stepped;
  // After the loss of an owner, the first progress is written at once and resets the suspicion, so
  // that the next claim counts from zero.
  const shows = memory.suspect && effects.persist === 'lazily' && isResult(event);
  const changesOwner = isBusy(transaction) !== (memory.ownership === 'ours') || memory.ownership === 'orphaned';
  return { kind: effects.persist === 'wait' || changesOwner || shows ? 'write' : 'proceed', transaction, effects };
}

/** Whether calls are in progress. Only the owner of the record may have any. */
export const isBusy = ({ running, checking }: Transaction): boolean => running.length > 0 || checking;

/**
 * Determines who owns the record after a write, and when the record is due. `nowMs` is only used
 * with a `wakeAtMs`.
 */
export function ownershipAfter(
  transaction: Transaction,
  wakeAtMs: number | null,
  nowMs: number,
  mayOwn: boolean,
): { readonly hold: boolean; readonly dueInMs: number | null } {
  if (isFinal(transaction.state.status)) return { hold: false, dueInMs: null };
  if (!isBusy(transaction)) return { hold: false, dueInMs: wakeAtMs === null ? null : Math.max(0, wakeAtMs - nowMs) };
  // The record is due in the store at once, for any node that may drive it.
  return mayOwn ? { hold: true, dueInMs: null } : { hold: false, dueInMs: 0 };
}

/** Commands may exceed the bound that applies to branches. */
const MAX_ENTRIES = 10_000;

/**
 * The write that leaves a command to the node that drives the transaction, which finds it with its
 * next write or poll.
 */
export const forwarded = (transaction: Transaction, entry: Entry): AppendItem => ({
  kind: 'append',
  key: transaction.key,
  whenStatus: entry.key === ABORT_COMMAND_KEY ? ['submitted'] : ['submitted', 'aborting'],
  entries: [entry],
  maxEntries: MAX_ENTRIES,
  // If that node has released the record, the record is due for the next claim.
  postponeMs: 0,
});

const isResult = ({ kind }: TransactionEvent): boolean => kind === 'responded' || kind === 'checked';

/** To abort a transaction that is already aborting means to drive it at once. */
function entryOf(event: TransactionEvent, { state }: Transaction, writeId: string): Entry | undefined {
  if (event.kind === 'abort' && state.status === 'submitted') return encodeAbortCommand(event);
  return event.kind === 'abort' || event.kind === 'retry' ? encodeRetryCommand(writeId, event.by) : undefined;
}

const STAYS_WITH_ITS_NODE: ReadonlySet<TransactionEvent['kind']> = new Set(['prepared', 'alerted', 'heartbeat']);

/**
 * Whether an event on a transaction that another node drives is decided here, which ends that
 * node's ownership. While the transaction is prepared, that node only calls the client, and the
 * client's decision takes precedence. Preparing the transaction again is not a decision, and
 * neither is a heartbeat or the acknowledgement of an alert: these must not start another call.
 */
const takesOver = (event: TransactionEvent, { state }: Transaction): boolean =>
  event.kind === 'stop' ||
  event.kind === 'ended' ||
  event.kind === 'park' ||
  (state.status === 'prepared' && !STAYS_WITH_ITS_NODE.has(event.kind));
