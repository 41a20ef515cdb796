import type { BranchResult } from '@holdfast/protocol';
import type { Branch, BranchState, State, Transaction } from './model.ts';
import { copyState, copyTransaction } from './copies.ts';
import { type Plan, waitUntil } from './rules.ts';
import { backOffMs, plainIntervalMs } from './retry.ts';
import { branchState } from './state.ts';
import type { Moment, TransactionEvent } from './step.ts';
import { appended, omitted, withLine } from './timeline.ts';

/** Up to this length, scanning the list is as fast as marking its elements. */
const SHORT_LIST = 8;

/** Whether an op is being called now. A step may test this for every op of a long transaction. */
export function runningOf({ running, branches }: Transaction): (index: number) => boolean {
  if (running.length === 0) return never;
  if (running.length <= SHORT_LIST) return (index) => running.includes(index);
  const marks = new Uint8Array(branches.length);
  for (const index of running) marks[index] = 1;
  return (index) => marks[index] === 1;
}

const never = (): boolean => false;

/**
 * Starts those of `candidates` (ops that may run now) that are neither running nor waiting for a
 * retry; the plan wakes when the next waiting one is due.
 */
export function startReady(transaction: Transaction, candidates: readonly number[], nowMs: number): Plan {
  const calls: number[] = [];
  let wakeAtMs: number | null = null;
  let branches: BranchState[] | undefined;
  const isRunning = runningOf(transaction);
  for (const index of candidates) {
    if (isRunning(index)) continue;
    const branch = branchState(transaction.state, index);
    if (branch.nextAttemptAtMs > nowMs) {
      wakeAtMs = wakeAtMs === null ? branch.nextAttemptAtMs : Math.min(wakeAtMs, branch.nextAttemptAtMs);
      continue;
    }
    calls.push(index);
    if (!branch.started) {
      branches ??= transaction.state.branches.slice();
      branches[index] = startedNow(branch);
    }
  }
  if (calls.length === 0) return waitUntil(transaction, wakeAtMs);
  const next = copyTransaction(transaction);
  next.running = transaction.running.length === 0 ? calls : [...transaction.running, ...calls];
  if (branches !== undefined) {
    const state = copyState(transaction.state);
    state.branches = branches;
    next.state = state;
  }
  return { transaction: next, calls, check: false, wakeAtMs };
}

/** Without spread, for speed: this runs for each call. */
const startedNow = (branch: BranchState): BranchState => ({
  status: branch.status,
  started: true,
  attempts: branch.attempts,
  failures: branch.failures,
  nextAttemptAtMs: branch.nextAttemptAtMs,
  finishedAtMs: branch.finishedAtMs,
});

/** How a result other than SUCCESS is handled. */
export interface ResultPolicy {
  /**
   * FAILURE is final. Otherwise the op must succeed eventually: FAILURE is retried and raises an
   * alert.
   */
  readonly mayFail: boolean;
  /**
   * When an unfinished op is called again: after this number of ms, `later` (after its backoff), or
   * `never` (a decision has made it unnecessary).
   */
  readonly again: 'later' | 'never' | number;
}

/**
 * The transaction after a result: the op's state, its next attempt, the timeline, whether it needs
 * operator attention.
 */
export function recordResult(
  transaction: Transaction,
  event: { readonly branch: number; readonly result: BranchResult; readonly durationMs: number },
  moment: Moment,
  policy: ResultPolicy,
): Transaction {
  const { branch: index, result } = event;
  const { state } = transaction;
  const after = responded(transaction, branchState(state, index), result, moment, policy);
  const branches = state.branches.slice();
  branches[index] = after;
  const running = without(transaction.running, index);
  const lastResult = result.kind === 'SUCCESS' ? transaction.lastResult : result;
  const { branchId, op } = branchAt(transaction, index);
  const timeline = appended(state.timeline, {
    kind: 'call',
    atMs: moment.nowMs,
    durationMs: event.durationMs,
    branchId,
    op,
    result: result.kind,
    reason: result.reason,
    attempt: after.attempts,
    retryAtMs: after.nextAttemptAtMs,
  });
  const noted = copyState(state);
  noted.branches = branches;
  noted.timeline = timeline;
  noted.timelineOmitted = omitted(state);
  const next = copyTransaction(transaction);
  next.running = running;
  next.lastResult = lastResult;
  next.state = counted(noted, after, result, moment, policy);
  return next;
}

/** The list without an element that occurs at most once. */
function without(list: readonly number[], element: number): readonly number[] {
  const at = list.indexOf(element);
  if (at < 0) return list;
  if (list.length === 1) return NONE;
  return list.toSpliced(at, 1);
}

const NONE: readonly number[] = [];

/**
 * The transaction after calls were not made: they are due again later, unless a decision has made
 * them unnecessary.
 */
export function recordDeferral(
  transaction: Transaction,
  { calls, result, againInMs }: Extract<TransactionEvent, { kind: 'deferred' }>,
  { nowMs }: Moment,
): Transaction {
  const dueAtMs = againInMs === 0 ? 0 : nowMs + againInMs;
  const deferred = new Set(calls);
  const branches = transaction.state.branches.slice();
  for (const index of calls)
    if (index !== 'check') branches[index] = { ...branchState(transaction.state, index), nextAttemptAtMs: dueAtMs };
  const state = copyState(transaction.state);
  state.branches = branches;
  const next = copyTransaction(transaction);
  if (deferred.has('check')) {
    next.checking = false;
    // A submitted message needs no further check-back.
    if (state.status !== 'submitted') state.nextCheckAtMs = dueAtMs;
  }
  next.running = transaction.running.filter((index) => !deferred.has(index));
  next.lastResult = result;
  next.state = state;
  return next;
}

/**
 * A finished op is progress, whatever its outcome; an op that will not be called again does not
 * count as an attempt.
 */
function counted(state: State, after: BranchState, result: BranchResult, moment: Moment, policy: ResultPolicy): State {
  if (after.status !== 'prepared') return withProgress(state);
  return policy.again === 'never'
    ? state
    : withRetries(state, result, moment, result.kind === 'FAILURE' ? MUST_SUCCEED : '');
}

function branchAt(transaction: Transaction, index: number): Branch {
  const branch = transaction.branches[index];
  if (branch === undefined) throw new RangeError(`no branch with index ${index}`);
  return branch;
}

function responded(
  transaction: Transaction,
  before: BranchState,
  result: BranchResult,
  moment: Moment,
  policy: ResultPolicy,
): BranchState {
  const { nowMs } = moment;
  const attempts = before.attempts + 1;
  if (result.kind === 'SUCCESS')
    return { status: 'succeed', started: true, attempts, failures: 0, nextAttemptAtMs: 0, finishedAtMs: nowMs };
  if (result.kind === 'FAILURE' && policy.mayFail) {
    return {
      status: 'failed',
      started: true,
      attempts,
      failures: before.failures,
      nextAttemptAtMs: 0,
      finishedAtMs: nowMs,
    };
  }
  const failures = result.kind === 'ONGOING' ? 0 : before.failures + 1;
  const intervalMs =
    result.kind === 'ONGOING'
      ? plainIntervalMs(transaction.options, moment.policy)
      : backOffMs(transaction.options, failures, moment);
  return {
    status: 'prepared',
    started: true,
    attempts,
    failures,
    nextAttemptAtMs: nextAttemptAtMs(policy.again, nowMs, intervalMs),
    finishedAtMs: 0,
  };
}

function nextAttemptAtMs(again: ResultPolicy['again'], nowMs: number, intervalMs: number): number {
  if (again === 'never') return 0;
  return nowMs + (again === 'later' ? intervalMs : again);
}

/** After progress the transaction no longer needs operator attention. */
export const withProgress = (state: State): State =>
  state.retries === 0 && !state.attention ? state : { ...state, retries: 0, attention: false };

const MUST_SUCCEED = 'returned FAILURE, but must be retried until it succeeds';

/**
 * Counts retries towards the alert threshold. The alert is raised at once for a call that can never
 * be made, and with `urgent`, the reason why a result is not merely retried; empty: there is none.
 */
export function withRetries(state: State, result: BranchResult, moment: Moment, urgent: string): State {
  if (result.kind === 'ONGOING') return state;
  if (result.kind === 'SUCCESS') return withProgress(state);
  const retries = state.retries + 1;
  const reason = result.uncallable === true ? `a call cannot be made: ${result.reason}` : urgent;
  if (state.attention || (reason === '' && retries < moment.policy.alertAfterRetries)) return { ...state, retries };
  const detail = reason === '' ? `no progress after ${retries} attempts` : reason;
  return withLine(
    { ...state, retries, attention: true },
    { kind: 'alert', atMs: moment.nowMs, detail: `needs operator attention: ${detail}` },
  );
}

/** Makes every unfinished op and query due at once. A message's delay is kept. */
export function madeDue(transaction: Transaction, nowMs: number): Transaction {
  const branches = transaction.state.branches.map((b) => (b.nextAttemptAtMs === 0 ? b : { ...b, nextAttemptAtMs: 0 }));
  return { ...transaction, state: { ...transaction.state, branches, nextCheckAtMs: nowMs } };
}
