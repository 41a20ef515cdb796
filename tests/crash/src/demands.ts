import type { Case } from './evidence.ts';
import type { ResponseNote, ClientCall } from './notes.ts';
import { mustRollBack, type Plan } from './plan.ts';

/** How a transaction has to end, and the reason. */
export interface Demand {
  readonly outcome: 'succeed' | 'failed';
  readonly because: string;
}

/**
 * Whether the coordinator took the responsibility for this transaction: from then on it owes it an
 * end.
 */
export function acknowledged(one: Case, plan: Plan): boolean {
  const submitted = one.responses.some(({ call, response }) => isWhole(call) && response.outcome !== 'unknown');
  return submitted || (plan.pattern !== 'saga' && prepared(one));
}

/**
 * Everything that was promised or planned about the end. None: the client never learned the result
 * of its call, so that either end is right if it is the same for all branches. Two demands that
 * contradict each other cannot both be met; this convicts a coordinator that promised one end and
 * had to bring about the other.
 */
export function demandsOf(one: Case, plan: Plan): readonly Demand[] {
  return [...one.responses.flatMap(promised), ...planned(one, plan)];
}

/** What a response promises about the end. */
function promised({ call, response }: ResponseNote): readonly Demand[] {
  if (response.status === 'succeed')
    return [{ outcome: 'succeed', because: `the response to ${call} contains the status succeed` }];
  if (response.status === 'failed' || response.status === 'aborting') {
    return [{ outcome: 'failed', because: `the response to ${call} contains the status ${response.status}` }];
  }
  if (!isWhole(call) || response.outcome !== 'success' || !response.waited) return [];
  return [{ outcome: 'succeed', because: 'the caller waited and received SUCCESS' }];
}

function planned(one: Case, plan: Plan): readonly Demand[] {
  switch (plan.pattern) {
    case 'saga':
    case 'workflow':
      if (!acknowledged(one, plan)) return [];
      return mustRollBack(plan)
        ? [{ outcome: 'failed', because: 'a step of it can never succeed' }]
        : [{ outcome: 'succeed', because: 'it was acknowledged, and every step succeeds in the end' }];
    case 'tcc':
      return decidedByClient(one);
    case 'msg':
      if (plan.flavour === 'direct') {
        return acknowledged(one, plan) ? [{ outcome: 'succeed', because: 'its submit was acknowledged' }] : [];
      }
      return locallyCommitted(one)
        ? [{ outcome: 'succeed', because: 'the local transaction was committed' }]
        : [{ outcome: 'failed', because: 'the local transaction was never committed' }];
  }
}

/** Whether the response to the call concerns the transaction as a whole. */
export function isWhole(call: ClientCall): boolean {
  return call === 'submit' || call === 'run';
}

function decidedByClient(one: Case): readonly Demand[] {
  const submits = one.responses.filter(({ call }) => call === 'submit');
  if (submits.length === 0) return [{ outcome: 'failed', because: 'it was never submitted' }];
  if (submits.some(({ response }) => response.outcome === 'success' || response.outcome === 'ongoing')) {
    return [{ outcome: 'succeed', because: 'its submit was acknowledged' }];
  }
  // A rejection after an attempt without a response may mean that the attempt was accepted and the
  // transaction has finished; a proxy that repeats the attempt receives the same rejection.
  if (
    submits.some(
      ({ response, repeated }) => response.outcome === 'refused' && !repeated && response.status !== 'succeed',
    )
  ) {
    return [{ outcome: 'failed', because: 'its submit was rejected' }];
  }
  return [];
}

function prepared(one: Case): boolean {
  return one.responses.some(({ call, response }) => call === 'prepare' && response.outcome === 'success');
}

function locallyCommitted(one: Case): boolean {
  return one.commits.some(({ line }) => line.branchId === '00' && line.effect !== null);
}
