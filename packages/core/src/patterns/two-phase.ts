import type { Op } from '@holdfast/protocol';
import type { Transaction } from './model.ts';
import { madeDue, recordResult, startReady } from './calls.ts';
import { withState } from './copies.ts';
import { type PatternRules, type Plan, refuse, waitUntil } from './rules.ts';
import { otherBranch } from './run-branches.ts';
import { branchState } from './state.ts';
import type { Moment } from './step.ts';
import { withEnd, withStatus } from './timeline.ts';

/** The differences between TCC and XA. */
export interface SecondPhase {
  readonly onSubmit: Op;
  readonly onAbort: Op;
  readonly newestFirst: boolean;
}

/**
 * Client-driven first phase, coordinator-driven second phase; `tcc.ts` and `xa.ts` have the
 * diagrams and invariants.
 */
export function twoPhase(phase: SecondPhase): PatternRules {
  return {
    submit(transaction, event, moment) {
      const { state } = transaction;
      const other = event.branches && otherBranch(transaction.registered, event.branches, event.run);
      if (other !== undefined && (state.status === 'submitted' || state.status === 'succeed'))
        return { ...refuse(state.status, `submit again: ${other}`), field: ['branches'] };
      if (state.status === 'submitted') return madeDue(transaction, moment.nowMs);
      if (state.status === 'succeed') return transaction;
      if (state.status !== 'prepared') return refuse(state.status, 'submit');
      if (other !== undefined) return toAborting(transaction, other, moment);
      const incomplete = incompleteBranch(transaction, phase);
      if (incomplete !== undefined)
        return toAborting(
          transaction,
          `branch ${incomplete} was registered without its ${phase.onSubmit}: the part of the transaction that began it has not succeeded`,
          moment,
        );
      return {
        ...transaction,
        options: { ...transaction.options, ...event.options },
        state: withStatus({ ...state, submittedAtMs: moment.nowMs }, 'submitted', moment.nowMs),
      };
    },

    abort(transaction, event, moment) {
      const { status } = transaction.state;
      if (status === 'aborting') return madeDue(transaction, moment.nowMs);
      if (status !== 'prepared') return refuse(status, 'abort');
      return toAborting(transaction, event.reason, moment);
    },

    end: (transaction) => refuse(transaction.state.status, `end a ${transaction.definition.pattern} as a workflow`),

    responded: (transaction, event, moment) =>
      recordResult(transaction, event, moment, { mayFail: false, again: 'later' }),

    checked: (transaction) => transaction,

    advance(transaction, moment) {
      switch (transaction.state.status) {
        case 'prepared': {
          const timeoutMs = transaction.options.timeoutToFailMs || moment.policy.timeoutToFailMs;
          const deadlineMs = transaction.createdAtMs + timeoutMs;
          if (moment.nowMs < deadlineMs) return waitUntil(transaction, deadlineMs);
          return drive(toAborting(transaction, `Timeout after ${timeoutMs / 1000} seconds`, moment), phase, moment);
        }
        case 'submitted':
        case 'aborting':
          return drive(transaction, phase, moment);
        default:
          return waitUntil(transaction, null);
      }
    },
  };
}

function drive(transaction: Transaction, phase: SecondPhase, moment: Moment): Plan {
  const { state } = transaction;
  const [op, final] =
    state.status === 'submitted' ? [phase.onSubmit, 'succeed' as const] : [phase.onAbort, 'failed' as const];
  const next = nextBranch(transaction, op, phase);
  if (next !== undefined) return startReady(transaction, [next], moment.nowMs);
  return waitUntil(withState(transaction, withEnd(state, final, moment.nowMs)), null);
}

/**
 * The op to call next. A confirm that was registered later counts at the position where the
 * branch's registration began.
 */
function nextBranch(
  { branches, state }: Transaction,
  op: Op,
  { onSubmit, newestFirst }: SecondPhase,
): number | undefined {
  const begun = new Map<string, number>();
  let next: number | undefined;
  let placeOfNext = 0;
  for (const [i, branch] of branches.entries()) {
    if (!begun.has(branch.branchId)) begun.set(branch.branchId, i);
    if (branch.op !== op || branchState(state, i).status === 'succeed') continue;
    const place = op === onSubmit ? (begun.get(branch.branchId) ?? i) : i;
    if (next !== undefined && (newestFirst ? place < placeOfNext : place >= placeOfNext)) continue;
    next = i;
    placeOfNext = place;
  }
  return next;
}

/**
 * The first branch whose registration was begun and not completed: the transaction can only be
 * aborted.
 */
function incompleteBranch({ branches }: Transaction, { onSubmit, onAbort }: SecondPhase): string | undefined {
  const complete = new Set(branches.filter(({ op }) => op === onSubmit).map(({ branchId }) => branchId));
  return branches.find(({ branchId, op }) => op === onAbort && !complete.has(branchId))?.branchId;
}

function toAborting(transaction: Transaction, reason: string, moment: Moment): Transaction {
  const state = { ...transaction.state, rollbackReason: reason, rollbackAtMs: moment.nowMs };
  return { ...transaction, state: withStatus(state, 'aborting', moment.nowMs, reason) };
}
