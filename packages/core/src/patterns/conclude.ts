import { isFinal } from '@holdfast/protocol';
import type { Transaction } from './model.ts';
import type { Plan } from './rules.ts';
import type { Effects, Moment, Stepped, TransactionEvent } from './step.ts';

/** A parked transaction whose alert was not acknowledged is resumed after this time. */
export const ALERT_AGAIN_MS = 60_000;

/**
 * The effects of a step, by rules that hold for every pattern:
 * D1  A changed status is durable before anything that depends on it: before a branch is called,
 *     before a caller is notified.
 * D2  Progress within a status is written lazily: branches are idempotent, so a call repeated after
 *     a crash does no harm.
 * D3  A pass that leaves nothing running is written with its next due time, and the node releases
 *     the transaction.
 * D4  Callers that wait receive a response when no call is running, or at the final status.
 * D5  An alert is due from the write that raises attention until a hook has acknowledged it or
 *     progress has made it unnecessary. It is raised again when the transaction is resumed; a
 *     parked transaction is resumed for it. Without a hook no alert is due.
 */
export function conclude(before: Transaction, plan: Plan, event: TransactionEvent, moment: Moment): Stepped {
  const ended = isFinal(plan.transaction.state.status);
  const alert = alertOf(before, plan.transaction, event);
  const transaction = marked(
    ended ? settled(plan.transaction) : plan.transaction,
    alert !== undefined,
    moment.policy.noAlertHook !== true,
  );
  const { state } = transaction;
  const over = ended || (transaction.running.length === 0 && !transaction.checking);
  const effects: Effects = {
    calls: plan.calls,
    check: plan.check,
    persist: persistence(before, transaction, over),
    wakeAtMs: state.alertDue && state.parked !== '' ? moment.nowMs + ALERT_AGAIN_MS : plan.wakeAtMs,
    passOver: over,
    alert,
  };
  return { transaction, effects };
}

function persistence(before: Transaction, after: Transaction, over: boolean): Effects['persist'] {
  if (isFinal(before.state.status)) return 'none';
  if (before.state === after.state) return 'none';
  return over || decided(before, after) ? 'wait' : 'lazily';
}

/** A finished transaction needs no attention and is not parked. */
function settled(transaction: Transaction): Transaction {
  const { state } = transaction;
  return state.attention || state.parked !== ''
    ? { ...transaction, state: { ...state, attention: false, parked: '' } }
    : transaction;
}

const decided = (before: Transaction, after: Transaction): boolean =>
  before.state.status !== after.state.status || before.state.parked !== after.state.parked;

/** The transaction after its alert was raised or has become unnecessary. */
function marked(transaction: Transaction, isRaised: boolean, hasHook: boolean): Transaction {
  const { attention, alertDue } = transaction.state;
  const isDue = hasHook && attention && (alertDue || isRaised);
  return isDue === alertDue ? transaction : { ...transaction, state: { ...transaction.state, alertDue: isDue } };
}

function alertOf(before: Transaction, after: Transaction, event: TransactionEvent): Effects['alert'] {
  if (!after.state.attention) return undefined;
  if (before.state.attention && !(event.kind === 'resumed' && before.state.alertDue)) return undefined;
  const call = after.state.timeline.findLast((line) => line.kind === 'call');
  return {
    branch: call === undefined ? '' : `${call.branchId} ${call.op}`,
    error: after.state.parked === '' ? (call?.reason ?? '') : after.state.parked,
    retryCount: after.state.retries,
  };
}
