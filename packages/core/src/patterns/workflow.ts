import { isFinal } from '@holdfast/protocol';
import type { Transaction, TransactionOptions } from './model.ts';
import { checkWhenDue, parked, recordCheck } from './check.ts';
import { plainIntervalMs } from './retry.ts';
import { type PatternRules, refuse, waitUntil } from './rules.ts';
import type { Policy } from './step.ts';
import { withStatus } from './timeline.ts';

/**
 * Workflow: code that runs in the client and records each step here; the coordinator calls it back
 * until it finishes.
 *
 *   prepared ──ended: succeed──▶ succeed
 *     │ └────ended: failed──▶ failed
 *     └──abort, unless a commit is recorded──▶ aborting ──ended: failed──▶ failed
 *
 * WF1  Only the client's code finishes a workflow (or an operator force-stops it).
 * WF2  Once aborting (durable before the first compensation), success is rejected.
 * WF3  While unfinished and due, the client is called back at the plain interval, without backoff.
 *      Every recorded step and every abort by the client, which is alive then, postpones the
 *      callback. An operator's abort makes it due at once.
 * WF4  Finishing it again with the same status changes nothing and is not an error; another status
 *      is rejected.
 * WF5  A recorded commit is the decision to succeed: from then on an abort and finishing as failed
 *      are rejected.
 * WF6  A workflow's code may park it if the recorded steps are those of other code: it is not
 *      called back until an operator retries it. Records and the outcome are still accepted, from
 *      code that can continue.
 * WF8  A heartbeat of its client's code postpones the callback by the plain interval. It starts
 *      nothing, and changes neither a parked workflow nor one that is being called back. A
 *      heartbeat soon after a stored one is not stored.
 * WF9  If no node claimed the workflow when its callback became due, its client may have had no
 *      node to send a heartbeat to: the callback is delayed once, by the plain interval. Only of a
 *      workflow whose client sends heartbeats.
 * WF10 If a node claims the workflow before its callback is due, and its client sent a heartbeat or
 *      a record less than half an interval ago, the callback is delayed once, by the plain
 *      interval: the store's clock was set forward, and the client's code is running. An operator's
 *      retry of the workflow is not delayed.
 */
export const workflow: PatternRules = {
  submit: (transaction) => refuse(transaction.state.status, 'submit a workflow without its outcome'),

  abort(transaction, event, moment) {
    const { status } = transaction.state;
    if (status !== 'aborting' && status !== 'prepared') return refuse(status, 'abort');
    if (isCommitting(transaction)) return refuse(status, 'abort a workflow that has begun to commit');
    const nextCheckAtMs = event.byOperator
      ? moment.nowMs
      : moment.nowMs + plainIntervalMs(transaction.options, moment.policy);
    const state = { ...transaction.state, nextCheckAtMs };
    if (status === 'aborting') return { ...transaction, state };
    const aborting = { ...state, rollbackReason: event.reason, rollbackAtMs: moment.nowMs };
    return { ...transaction, state: withStatus(aborting, 'aborting', moment.nowMs, event.reason) };
  },

  end(transaction, event, moment) {
    const { state } = transaction;
    if (state.status === event.status) return transaction;
    if (state.status !== 'prepared' && !(state.status === 'aborting' && event.status === 'failed'))
      return refuse(state.status, 'submit');
    if (event.status === 'failed' && isCommitting(transaction))
      return refuse(state.status, 'finish a workflow as failed that has begun to commit');
    const ended = { ...state, result: event.result, rollbackReason: event.rollbackReason, finishedAtMs: moment.nowMs };
    return { ...transaction, state: withStatus(ended, event.status, moment.nowMs, event.rollbackReason) };
  },

  park(transaction, event, moment) {
    const { state } = transaction;
    if (isFinal(state.status)) return refuse(state.status, 'park');
    return state.parked === event.reason ? transaction : { ...transaction, state: parked(state, event.reason, moment) };
  },

  heartbeat(transaction, moment) {
    const { state } = transaction;
    if (isFinal(state.status)) return refuse(state.status, 'send a heartbeat');
    if (state.parked !== '' || transaction.checking) return transaction;
    const intervalMs = plainIntervalMs(transaction.options, moment.policy);
    // Negative: stored by a node whose engine time is ahead of this node's; the time since then
    // is unknown.
    const sinceMs = moment.nowMs - state.heartbeatAtMs;
    const isRecent = sinceMs >= 0 && sinceMs < intervalMs * SHARE_NOT_STORED;
    if (isRecent && state.nextCheckAtMs >= state.heartbeatAtMs + intervalMs) return transaction;
    const next = { ...state, heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs };
    return { ...transaction, state: next };
  },

  delayed(transaction, moment) {
    const { state } = transaction;
    if (state.heartbeatAtMs === 0) return undefined;
    const intervalMs = knownIntervalMs(transaction, moment.policy);
    const recordedAtMs = lastRecordAtMs(transaction);
    // A record postpones the callback in the store only.
    const dueAtMs = Math.max(state.nextCheckAtMs, recordedAtMs + intervalMs);
    const lateMs = moment.nowMs - dueAtMs;
    const silentMs = moment.nowMs - Math.max(state.heartbeatAtMs, recordedAtMs);
    const isDelayed = lateMs < 0 ? silentMs < intervalMs * SHARE_ALIVE : lateMs >= intervalMs * SHARE_IN_TIME;
    if (!isDelayed) return undefined;
    return { ...transaction, state: { ...state, heartbeatAtMs: 0, nextCheckAtMs: moment.nowMs + intervalMs } };
  },

  responded: (transaction) => transaction,

  checked(transaction, event, moment) {
    return recordCheck(
      transaction,
      event,
      transaction.definition.workflowName,
      moment.nowMs + plainIntervalMs(transaction.options, moment.policy),
      moment,
    );
  },

  advance(transaction, moment) {
    const { status, nextCheckAtMs } = transaction.state;
    if (status !== 'prepared' && status !== 'aborting') return waitUntil(transaction, null);
    return checkWhenDue(
      transaction,
      nextCheckAtMs || transaction.createdAtMs + plainIntervalMs(transaction.options, moment.policy),
      moment,
    );
  },
};

/**
 * The interval at which a workflow's code sends heartbeats: if one is lost, the next one still
 * arrives before the callback.
 */
export const heartbeatPeriodMs = (options: TransactionOptions, policy: Policy): number =>
  Math.ceil(plainIntervalMs(options, policy) / 3);

/**
 * Share of the interval within which a second heartbeat is not stored: less than the time between
 * two heartbeats of one process.
 */
const SHARE_NOT_STORED = 1 / 6;
/** Share of the interval within which a workflow that is due is claimed, unless no node could. */
const SHARE_IN_TIME = 1 / 10;

/** Share of the interval within which a client that is running has sent a heartbeat. */
const SHARE_ALIVE = 1 / 2;

/**
 * The interval that applied to the last heartbeat, if it is shorter than that of this node, whose
 * options may differ from those of the node that stored the heartbeat.
 */
function knownIntervalMs({ options, state }: Transaction, policy: Policy): number {
  const storedMs = state.nextCheckAtMs - state.heartbeatAtMs;
  const ownMs = plainIntervalMs(options, policy);
  return storedMs > 0 ? Math.min(storedMs, ownMs) : ownMs;
}

/** Each record postpones the callback. */
const lastRecordAtMs = ({ createdAtMs, registered }: Transaction): number =>
  registered.reduce((latest, branch) => Math.max(latest, branch.createdAtMs), createdAtMs);

const isCommitting = ({ state, registered }: Transaction): boolean =>
  state.status === 'prepared' && registered.some(({ op, status }) => op === 'commit' && status === 'succeed');
