import { isFinal } from '@holdfast/protocol';
import type { Transaction } from '../model.ts';
import type { Plan } from './rules.ts';
import type { Effects, Stepped } from './step.ts';

/**
 * The effects of a step, by rules that hold for every pattern:
 *
 * D1  A changed status is durable before anything that depends on it: before a branch is called, before a caller hears of it.
 * D2  Progress within a status is written lazily: branches are idempotent, so a call repeated after a crash does no harm.
 * D3  A pass that leaves nothing running is written with its next due time, and the node lets go of the transaction.
 * D4  Callers who wait are answered when nothing runs any more, or at the final status.
 */
export function conclude(before: Transaction, plan: Plan): Stepped {
  const ended = isFinal(plan.transaction.state.status);
  const transaction = ended ? settled(plan.transaction) : plan.transaction;
  const over = ended || (transaction.running.length === 0 && !transaction.checking);
  const effects: Effects = {
    calls: plan.calls,
    check: plan.check,
    persist: persistence(before, transaction, over),
    wakeAtMs: plan.wakeAtMs,
    passOver: over,
    alert: alertOf(before, transaction),
  };
  return { transaction, effects };
}

function persistence(before: Transaction, after: Transaction, over: boolean): Effects['persist'] {
  if (isFinal(before.state.status)) return 'none';
  if (before.state === after.state) return 'none';
  return over || decided(before, after) ? 'wait' : 'lazily';
}

/** What is final needs nobody. */
function settled(transaction: Transaction): Transaction {
  const { state } = transaction;
  return state.attention || state.parked !== ''
    ? { ...transaction, state: { ...state, attention: false, parked: '' } }
    : transaction;
}

const decided = (before: Transaction, after: Transaction): boolean =>
  before.state.status !== after.state.status || before.state.parked !== after.state.parked;

function alertOf(before: Transaction, after: Transaction): Effects['alert'] {
  if (before.state.attention || !after.state.attention) return undefined;
  const call = after.state.timeline.findLast((line) => line.kind === 'call');
  return {
    branch: call === undefined ? '' : `${call.branchId} ${call.op}`,
    error: after.state.parked === '' ? (call?.reason ?? '') : after.state.parked,
    retryCount: after.state.retries,
  };
}
