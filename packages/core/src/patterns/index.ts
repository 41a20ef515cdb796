import { isFinal, type Pattern } from '@holdfast/protocol';
import type { State, Transaction } from './model.ts';
import { madeDue, recordDeferral } from './calls.ts';
import { parked } from './check.ts';
import { conclude } from './conclude.ts';
import { msg } from './msg.ts';
import { type PatternRules, type Plan, refuse, waitUntil } from './rules.ts';
import { IMPORT_UNFINISHED } from './state.ts';
import { saga } from './saga.ts';
import type { Moment, Refusal, Stepped, TransactionEvent } from './step.ts';
import { afterResult, callsNoBranch, suspected } from './suspicion.ts';
import { tcc } from './tcc.ts';
import { signed, withLine, withStatus } from './timeline.ts';
import { workflow } from './workflow.ts';
import { xa } from './xa.ts';

export * from './model.ts';
export * from './step.ts';
export { plainIntervalMs } from './retry.ts';
export { assemble, failureReason, newTransaction, withRegistered } from './state.ts';

const RULES: Readonly<Record<Pattern, PatternRules>> = { saga, tcc, xa, msg, workflow };

/**
 * Applies an event to a transaction. Pure: the same arguments return the same result.
 * C1  A final status never changes.
 * C2  A parked transaction starts nothing until an operator retries it; a message parked while
 *     prepared also starts when its client submits it.
 * C3  After `maxClaims` claims without progress (for example, a payload that crashes its
 *     coordinator) the transaction is parked, unless it is a tcc or xa that waits for its client:
 *     such a transaction calls no branch.
 */
export function step(transaction: Transaction, event: TransactionEvent, moment: Moment): Stepped | Refusal {
  const rules = RULES[transaction.definition.pattern];
  const stepped = transition(rules, transaction, event, moment);
  if ('refusal' in stepped) return stepped;
  const by = principalOf(event);
  const next =
    by === undefined ? stepped : { ...stepped, state: signed(stepped.state, transaction.state.timeline, by) };
  // Preparing a transaction again does not drive it: its timeout or callback is scheduled already.
  if (event.kind === 'prepared' && event.again) return conclude(transaction, waitUntil(next, null), event, moment);
  const delayed = event.kind === 'resumed' ? delayedBy(rules, next, moment) : undefined;
  if (delayed !== undefined) return conclude(transaction, advance(rules, delayed, moment), event, moment);
  const plan = advance(rules, next, moment);
  return conclude(
    transaction,
    event.kind === 'resumed' && startsNothing(plan)
      ? advance(rules, madeDue(plan.transaction, moment.nowMs), moment)
      : plan,
    event,
    moment,
  );
}

function transition(
  rules: PatternRules,
  transaction: Transaction,
  event: TransactionEvent,
  moment: Moment,
): Transaction | Refusal {
  const { state } = transaction;
  if (state.parked === IMPORT_UNFINISHED && CHANGES.has(event.kind)) return { refusal: IMPORT_UNFINISHED };
  switch (event.kind) {
    case 'prepared':
      if (event.again) return state.status === 'prepared' ? transaction : refuse(state.status, 'prepare');
      return {
        ...transaction,
        state: withLine(state, { kind: 'status', atMs: moment.nowMs, status: 'prepared', reason: '' }),
      };
    case 'submitted':
      return rules.submit(transaction, event, moment);
    case 'abort':
      return rules.abort(transaction, event, moment);
    case 'ended':
      return rules.end(transaction, event, moment);
    case 'responded':
      return isFinal(state.status) ? transaction : afterResult(state, rules.responded(transaction, event, moment));
    case 'checked':
      return isFinal(state.status)
        ? { ...transaction, checking: false }
        : afterResult(state, rules.checked(transaction, event, moment));
    case 'deferred':
      return isFinal(state.status) ? transaction : recordDeferral(transaction, event, moment);
    case 'timer':
      return transaction;
    case 'alerted':
      return state.alertDue ? { ...transaction, state: { ...state, alertDue: false } } : transaction;
    case 'resumed': {
      // First `unbroken` is updated, then the abort is decided, which depends on it.
      const taken = { ...transaction, state: resumed(transaction, event.claims, moment) };
      return event.abort === undefined
        ? taken
        : rules.abort(taken, { kind: 'abort', byOperator: true, ...event.abort }, moment);
    }
    case 'retry':
      if (isFinal(state.status)) return refuse(state.status, 'retry');
      return madeDue({ ...transaction, state: commanded({ ...state, parked: '' }, 'retry now', moment) }, moment.nowMs);
    case 'park':
      return (
        rules.park?.(transaction, event, moment) ?? refuse(state.status, 'park a transaction other than a workflow')
      );
    case 'heartbeat':
      return (
        rules.heartbeat?.(transaction, moment) ??
        refuse(state.status, 'accept a heartbeat of a transaction other than a workflow')
      );
    case 'stop':
      if (isFinal(state.status)) return refuse(state.status, 'stop');
      return { ...transaction, state: stopped(state, event.reason, moment) };
  }
}

/** Events of clients and operators that would let a parked transaction be driven, or decide it. */
const CHANGES: ReadonlySet<TransactionEvent['kind']> = new Set(['prepared', 'submitted', 'abort', 'ended', 'retry']);

/** The principal that sent an event; undefined for an anonymous one, and for other events. */
function principalOf(event: TransactionEvent): string | undefined {
  switch (event.kind) {
    case 'abort':
    case 'retry':
    case 'park':
    case 'stop':
      return event.by;
    case 'resumed':
      return event.abort?.by;
    default:
      return undefined;
  }
}

function resumed(transaction: Transaction, claims: number, moment: Moment): State {
  if (claims < 2) return transaction.state;
  const { pattern } = transaction.definition;
  // Also if it is parked below: after an operator's retry it is still unknown which actions
  // started.
  const state = { ...transaction.state, unbroken: false };
  const isInnocent = callsNoBranch(pattern, state.status);
  if (claims > moment.policy.maxClaims && !isInnocent)
    return parked(state, `${claims - 1} nodes in a row crashed while driving it`, moment);
  return withLine(isInnocent ? state : suspected(state, claims), {
    kind: 'resumed',
    atMs: moment.nowMs,
    detail: 'taken up again: its node crashed or went silent',
  });
}

function stopped(state: State, reason: string, moment: Moment): State {
  const ended = { ...state, finishedAtMs: moment.nowMs, stopped: reason };
  return withStatus(commanded(ended, 'force-stop', moment), 'failed', moment.nowMs, reason);
}

const commanded = (state: State, command: string, moment: Moment): State =>
  withLine(state, { kind: 'order', atMs: moment.nowMs, detail: command });

function advance(rules: PatternRules, transaction: Transaction, moment: Moment): Plan {
  const { state } = transaction;
  return isFinal(state.status) || state.parked !== ''
    ? waitUntil(transaction, null)
    : rules.advance(transaction, moment);
}

function delayedBy(rules: PatternRules, transaction: Transaction, moment: Moment): Transaction | undefined {
  const { status, parked: why } = transaction.state;
  return isFinal(status) || why !== '' ? undefined : rules.delayed?.(transaction, moment);
}

/** Whether a resumed transaction has nothing to start: then its record was made due early. */
const startsNothing = (plan: Plan): boolean =>
  plan.calls.length === 0 &&
  !plan.check &&
  !isFinal(plan.transaction.state.status) &&
  plan.transaction.state.parked === '';
