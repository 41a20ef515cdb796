import { isFinal } from '@holdfast/protocol';
import type { Transaction } from '../model.ts';
import { askWhenDue, parked, recordCheck } from './check.ts';
import { plainIntervalMs } from './retry.ts';
import { type PatternRules, refuse, waitUntil } from './rules.ts';
import { withStatus } from './timeline.ts';

/**
 * Workflow: code that runs in the client, which records each step here; the coordinator calls it back until it ends.
 *
 *     prepared ──ended: succeed──▶ succeed
 *         │ └────ended: failed──▶ failed
 *         └──abort, unless a commit is recorded──▶ aborting ──ended: failed──▶ failed
 *
 * WF1  Only the client's code finishes a workflow (or an operator force-stops it).
 * WF2  Once aborting (durable before the first compensation) success is refused.
 * WF3  While unfinished and due the client is called back at the plain interval, without backoff; every recorded step and
 *      every abort by the client, which is alive then, postpones the callback. An operator's abort makes it due at once.
 * WF4  Ending it again alike is no error and changes nothing; ending it otherwise is refused.
 * WF5  A recorded commit is the decision to succeed: from then on neither an abort nor an end as failed is taken.
 * WF6  Its code may park it, because it is not the code that recorded the steps: nobody calls it back until a person orders a retry. Its records and its end
 *      are taken all the same, from code that can go on.
 */
export const workflow: PatternRules = {
  submit: (transaction) => refuse(transaction.state.status, 'submit a workflow without its outcome'),

  abort(transaction, event, moment) {
    const { status } = transaction.state;
    if (status !== 'aborting' && status !== 'prepared') return refuse(status, 'abort');
    if (isCommitting(transaction)) return refuse(status, 'abort what has begun to commit');
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
      return refuse(state.status, 'end as failed what has begun to commit');
    const ended = { ...state, result: event.result, rollbackReason: event.rollbackReason, finishedAtMs: moment.nowMs };
    return { ...transaction, state: withStatus(ended, event.status, moment.nowMs, event.rollbackReason) };
  },

  park(transaction, event, moment) {
    const { state } = transaction;
    if (isFinal(state.status)) return refuse(state.status, 'park');
    return state.parked === event.reason ? transaction : { ...transaction, state: parked(state, event.reason, moment) };
  },

  answered: (transaction) => transaction,

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
    return askWhenDue(
      transaction,
      nextCheckAtMs || transaction.createdAtMs + plainIntervalMs(transaction.options, moment.policy),
      moment,
    );
  },
};

const isCommitting = ({ state, registered }: Transaction): boolean =>
  state.status === 'prepared' && registered.some(({ op, status }) => op === 'commit' && status === 'succeed');
