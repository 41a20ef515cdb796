import type { BranchResult } from '@holdfast/protocol';
import type { Transaction } from './model.ts';
import { madeDue, recordResult, startReady } from './calls.ts';
import { checkWhenDue, recordCheck } from './check.ts';
import { backOffMs, plainIntervalMs } from './retry.ts';
import { withState } from './copies.ts';
import { type PatternRules, type Plan, refuse, waitUntil } from './rules.ts';
import { branchState } from './state.ts';
import type { Moment } from './step.ts';
import { withEnd, withStatus } from './timeline.ts';

/**
 * Two-phase message: prepared before the client's local transaction commits, delivered after.
 *
 *   prepared ──submit · check-back SUCCESS──▶ submitted ──all steps succeeded──▶ succeed
 *     │
 *     └──abort · check-back FAILURE──▶ failed
 *
 * MS1  No step is called before the message is submitted and its delay has expired.
 * MS2  A submitted message is never rolled back: a step is retried until it succeeds; FAILURE is
 *      retried and raises an alert.
 * MS3  succeed ⇒ every step (every subscriber of a topic) succeeded.
 * MS4  When a message is still prepared after the timeout, its client is queried: SUCCESS submits
 *      the message, FAILURE fails it, any other result repeats the query (ONGOING after the plain
 *      interval, UNKNOWN with backoff). A result that finds the message submitted changes nothing.
 * MS5  Sequential unless `concurrent`: a step starts after the previous one has succeeded.
 */
export const msg: PatternRules = {
  submit(transaction, event, moment) {
    const { state } = transaction;
    if (state.status === 'submitted') return madeDue(transaction, moment.nowMs);
    if (state.status === 'succeed') return transaction;
    if (state.status !== 'prepared') return refuse(state.status, 'submit');
    return submitted({ ...transaction, options: { ...transaction.options, ...event.options } }, moment);
  },

  abort(transaction, event, moment) {
    const { state } = transaction;
    if (state.status !== 'prepared') return refuse(state.status, 'abort');
    return failed(transaction, event.reason, moment);
  },

  end: (transaction) => refuse(transaction.state.status, 'end a message as a workflow'),

  responded: (transaction, event, moment) =>
    recordResult(transaction, event, moment, { mayFail: false, again: 'later' }),

  checked(transaction, event, moment) {
    if (transaction.state.status !== 'prepared') return { ...transaction, checking: false };
    const after = recordCheck(transaction, event, 'msg', nextCheckAtMs(transaction, event.result, moment), moment);
    if (event.result.kind === 'SUCCESS') return submitted(after, moment);
    if (event.result.kind === 'FAILURE') return failed(after, event.result.reason, moment);
    return after;
  },

  advance(transaction, moment) {
    const { state } = transaction;
    if (state.status === 'prepared') {
      const timeoutMs = transaction.options.timeoutToFailMs || moment.policy.timeoutToFailMs;
      return checkWhenDue(transaction, state.nextCheckAtMs || transaction.createdAtMs + timeoutMs, moment);
    }
    return state.status === 'submitted' ? deliver(transaction, moment) : waitUntil(transaction, null);
  },
};

function deliver(transaction: Transaction, moment: Moment): Plan {
  const { state } = transaction;
  if (moment.nowMs < state.notBeforeMs) return waitUntil(transaction, state.notBeforeMs);
  const ready = undelivered(transaction);
  if (ready.length > 0) return startReady(transaction, ready, moment.nowMs);
  return waitUntil(withState(transaction, withEnd(state, 'succeed', moment.nowMs)), null);
}

/** The steps that may run now, including those that are running; empty: all have succeeded. */
function undelivered({ options, state }: Transaction): readonly number[] {
  const left: number[] = [];
  for (let i = 0; i < state.branches.length; i++) {
    if (branchState(state, i).status === 'succeed') continue;
    left.push(i);
    if (!options.concurrent) break;
  }
  return left;
}

function submitted(transaction: Transaction, moment: Moment): Transaction {
  const { delayMs } = transaction.options;
  const state = {
    ...transaction.state,
    // The message may be parked for a query to its client, which the submission settles.
    parked: '',
    attention: false,
    submittedAtMs: moment.nowMs,
    notBeforeMs: delayMs > 0 ? moment.nowMs + delayMs : 0,
  };
  return { ...transaction, state: withStatus(state, 'submitted', moment.nowMs) };
}

function failed(transaction: Transaction, reason: string, moment: Moment): Transaction {
  const state = {
    ...transaction.state,
    rollbackReason: reason,
    finishedAtMs: moment.nowMs,
    rollbackAtMs: moment.nowMs,
  };
  return { ...transaction, state: withStatus(state, 'failed', moment.nowMs, reason) };
}

function nextCheckAtMs(transaction: Transaction, result: BranchResult, moment: Moment): number {
  if (result.kind === 'UNKNOWN')
    return moment.nowMs + backOffMs(transaction.options, transaction.state.checkFailures + 1, moment);
  return result.kind === 'ONGOING' ? moment.nowMs + plainIntervalMs(transaction.options, moment.policy) : 0;
}
