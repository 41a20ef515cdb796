import type { State, Transaction } from './model.ts';
import { actionOf, compensateOf, stepOf } from './branches.ts';
import { madeDue, recordResult, runningOf, startReady } from './calls.ts';
import { copyTransaction, withState } from './copies.ts';
import { limitedRetryMs } from './retry.ts';
import { type PatternRules, type Plan, refuse, waitUntil } from './rules.ts';
import { branchState } from './state.ts';
import type { Moment } from './step.ts';
import { withEnd, withStatus, withSubmission } from './timeline.ts';

/**
 * Saga: actions forward; if one fails for good, compensations backward.
 *
 *   prepared ──submit──▶ submitted ──all actions succeeded──▶ succeed
 *                            │
 *                            │ FAILURE of an action · timeout · retry limit · operator's abort
 *                            ▼
 *                        aborting ──all of the set compensated──▶ failed
 *
 * SG1  An action starts only while submitted, and only after all its dependencies (sequential: the
 *      previous step; concurrent: its `orders`) succeeded.
 * SG2  succeed ⇒ every action succeeded.
 * SG3  The set to compensate is fixed by the decision to abort and contains every step that may
 *      have started: with ownership unbroken since submission the started steps, otherwise all.
 * SG4  A compensation starts only while aborting, only for a step of the set, only if that step's
 *      action is not running, and only after the compensations of all steps of the set that depend
 *      on it (sequential: of all later steps) are done.
 * SG5  failed (unless force-stopped) ⇒ every step of the set was compensated.
 * SG6  A compensation's FAILURE is retried and raises an alert; it never reverses the decision.
 *      UNKNOWN and ONGOING decide nothing (except through the retry limit).
 */
export const saga: PatternRules = {
  submit(transaction, event, moment) {
    const { state } = transaction;
    if (state.status === 'submitted') return madeDue(transaction, moment.nowMs);
    if (state.status === 'succeed') return transaction;
    if (state.status !== 'prepared') return refuse(state.status, 'submit');
    const next = copyTransaction(transaction);
    next.options = { ...transaction.options, ...event.options };
    next.state = withSubmission(state, moment.nowMs);
    return next;
  },

  abort(transaction, event, moment) {
    const { state } = transaction;
    if (!event.byOperator) return refuse(state.status, 'abort a saga');
    if (state.status === 'aborting') return madeDue(transaction, moment.nowMs);
    if (state.status !== 'submitted' && state.status !== 'prepared') return refuse(state.status, 'abort');
    return toAborting(transaction, event.reason, moment);
  },

  end: (transaction) => refuse(transaction.state.status, 'end a saga as a workflow'),

  responded(transaction, event, moment) {
    const isAction = event.branch === actionOf(stepOf(event.branch));
    if (!isAction) return recordResult(transaction, event, moment, { mayFail: false, again: 'later' });
    if (transaction.state.status !== 'submitted')
      return recordResult(transaction, event, moment, { mayFail: true, again: 'never' });
    const { kind, reason } = event.result;
    const limit = transaction.options.retryLimit;
    const counts = limit > 0 && (kind === 'ONGOING' || kind === 'UNKNOWN');
    const exhausted = counts && transaction.state.limitedRetries >= limit;
    const again = exhausted ? 'never' : counts ? limitedRetryMs(transaction, moment) : 'later';
    const after = recordResult(transaction, event, moment, { mayFail: true, again });
    if (kind === 'FAILURE') return toAborting(after, reason, moment);
    if (exhausted) return toAborting(after, `RetryCount is greater than RetryLimit, RetryLimit: ${limit}`, moment);
    return counts ? { ...after, state: { ...after.state, limitedRetries: after.state.limitedRetries + 1 } } : after;
  },

  checked: (transaction) => transaction,

  advance(transaction, moment) {
    switch (transaction.state.status) {
      case 'submitted':
        return forward(transaction, moment);
      case 'aborting':
        return backward(transaction, moment);
      default:
        return waitUntil(transaction, null);
    }
  },
};

function forward(transaction: Transaction, moment: Moment): Plan {
  const { state } = transaction;
  const ready = actionsInTurn(transaction);
  if (ready === undefined) return waitUntil(withState(transaction, withEnd(state, 'succeed', moment.nowMs)), null);
  const timeoutMs = transaction.options.timeoutToFailMs;
  const deadlineMs = timeoutMs > 0 ? transaction.createdAtMs + timeoutMs : Infinity;
  if (moment.nowMs >= deadlineMs)
    return backward(toAborting(transaction, `Timeout after ${timeoutMs / 1000} seconds`, moment), moment);
  const plan = startReady(transaction, ready, moment.nowMs);
  return deadlineMs === Infinity ? plan : { ...plan, wakeAtMs: Math.min(plan.wakeAtMs ?? Infinity, deadlineMs) };
}

/**
 * The actions that may run now, including those that are running; undefined: all have succeeded.
 * One loop without a list in between: it runs for each result, and a saga may have a thousand
 * steps.
 */
function actionsInTurn({ definition, options, state }: Transaction): readonly number[] | undefined {
  const { steps, orders } = definition;
  const ready: number[] = [];
  let isOver = true;
  for (let step = 0; step < steps.length; step++) {
    if (done(state, actionOf(step))) continue;
    if (!options.concurrent) return [actionOf(step)];
    isOver = false;
    const earlier = orders[step];
    if (earlier === undefined || earlier.every((one) => done(state, actionOf(one)))) ready.push(actionOf(step));
  }
  return isOver ? undefined : ready;
}

function backward(transaction: Transaction, moment: Moment): Plan {
  const { state } = transaction;
  const left = state.compensate.filter((step) => !done(state, compensateOf(step)));
  if (left.length === 0) return waitUntil(withState(transaction, withEnd(state, 'failed', moment.nowMs)), null);
  const ready = transaction.options.concurrent ? withoutDependents(transaction, left) : left.slice(-1);
  const isRunning = runningOf(transaction);
  const free = ready.filter((step) => !isRunning(actionOf(step)));
  return startReady(transaction, free.map(compensateOf), moment.nowMs);
}

/** The steps on which none of the others depends. */
function withoutDependents({ definition }: Transaction, steps: readonly number[]): readonly number[] {
  const needed = new Uint8Array(definition.steps.length);
  for (const later of steps) for (const earlier of definition.orders[later] ?? NONE) needed[earlier] = 1;
  return steps.filter((step) => needed[step] === 0);
}

const NONE: readonly number[] = [];

/**
 * The decision to abort: from here on only the stored set counts (SG3). It is progress: attention
 * for the actions is no longer needed.
 */
function toAborting(transaction: Transaction, reason: string, moment: Moment): Transaction {
  const { state } = transaction;
  const steps = stepIndices(transaction);
  const compensate = state.unbroken ? steps.filter((step) => branchState(state, actionOf(step)).started) : steps;
  const decided = {
    ...state,
    rollbackReason: reason,
    compensate,
    rollbackAtMs: moment.nowMs,
    retries: 0,
    attention: state.parked !== '',
  };
  return { ...transaction, state: withStatus(decided, 'aborting', moment.nowMs, reason) };
}

const stepIndices = (transaction: Transaction): number[] => transaction.definition.steps.map((_, i) => i);

const done = (state: State, index: number): boolean => branchState(state, index).status === 'succeed';
