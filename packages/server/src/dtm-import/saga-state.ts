import type { BranchState, Definition, State } from '@holdfast/core/patterns';
import type { DtmGlobal } from './dtm-records.ts';
import { pendingState, type Schedule } from './op-states.ts';

/** What decides the state of a saga. */
export interface SagaFacts {
  readonly global: DtmGlobal;
  readonly definition: Definition;
  /** The ops in dtm's order: `01 compensate, 01 action, 02 compensate, …`. */
  readonly ops: readonly BranchState[];
  readonly resultsMayBeMissing: boolean;
  readonly nowMs: number;
  readonly schedule: Schedule;
}

type SagaState = Pick<State, 'status' | 'branches' | 'compensate' | 'rollbackReason' | 'unbroken'>;

/** Reasons with which dtm aborts a saga although no action failed. */
const WITHOUT_FAILURE = /^(?:Timeout after|RetryCount is greater)/;

/**
 * The state of a saga by dtm's rules: an action without a result may have run if its turn had come.
 * If results may be missing, it is unknown which actions ran, and a saga that fails later
 * compensates all steps.
 */
export function sagaState(facts: SagaFacts): SagaState {
  const { global, definition, resultsMayBeMissing, schedule } = facts;
  const actions = knownActions(facts);
  const compensations = definition.steps.map((_, i) => at(facts.ops, i * 2));
  const isAsync = resultsMayBeMissing && !definition.options.concurrent && definition.options.timeoutToFailMs === 0;
  const mayHaveRun = actions.map(({ status }, step) => status !== 'prepared' || isInTurn(definition, actions, step));
  const branchesOf = (open: 'action' | 'compensate', steps: readonly number[]): BranchState[] =>
    definition.steps.flatMap((_, step) => {
      const pending = (state: BranchState): BranchState =>
        state.status === 'prepared' && steps.includes(step) ? pendingState(state, schedule) : state;
      const [compensation, action] = [at(compensations, step), at(actions, step)];
      return open === 'action'
        ? [compensation, pending(action)]
        : [pending(compensation), { ...action, started: mayHaveRun[step] === true }];
    });
  const ran = definition.steps.flatMap((_, step) => (mayHaveRun[step] === true ? [step] : []));
  const hasFailed = actions.some(({ status }) => status === 'failed');
  const decided = abortReasonOf(facts, hasFailed);
  if (decided === undefined)
    return {
      status: global.status === 'prepared' ? 'prepared' : 'submitted',
      branches: global.status === 'prepared' ? [...facts.ops] : branchesOf('action', ran),
      compensate: [],
      rollbackReason: global.rollbackReason,
      unbroken: !isAsync,
    };
  // A failure is the reason, but its result is missing: results before it may be missing as well.
  const isIncomplete = isAsync && !hasFailed && !WITHOUT_FAILURE.test(decided);
  const compensate = isIncomplete ? definition.steps.map((_, step) => step) : ran;
  return {
    status: 'aborting',
    branches: branchesOf('compensate', compensate),
    compensate,
    rollbackReason: decided,
    unbroken: !isAsync,
  };
}

/** Why the saga is aborted; undefined: it is not. */
function abortReasonOf({ global, definition, nowMs }: SagaFacts, hasFailed: boolean): string | undefined {
  if (global.status === 'aborting') return global.rollbackReason || 'dtm aborted it without a reason';
  if (global.status !== 'submitted') return undefined;
  if (hasFailed) return global.rollbackReason || 'an action failed in dtm';
  const { timeoutToFailMs } = definition.options;
  const isLate = timeoutToFailMs > 0 && global.createdAtMs !== null && nowMs >= global.createdAtMs + timeoutToFailMs;
  return isLate ? `Timeout after ${timeoutToFailMs / 1000} seconds` : undefined;
}

/**
 * The states of the actions. In a sequential saga, an action before one with a result has
 * succeeded, even if its own result is missing.
 */
function knownActions({ definition, ops, nowMs }: SagaFacts): readonly BranchState[] {
  const actions = definition.steps.map((_, i) => at(ops, i * 2 + 1));
  if (definition.options.concurrent) return actions;
  const last = actions.findLastIndex(({ status }) => status !== 'prepared');
  return actions.map((action, step) =>
    step < last && action.status === 'prepared'
      ? { ...action, status: 'succeed', started: true, attempts: 1, finishedAtMs: nowMs }
      : action,
  );
}

function isInTurn({ options, orders }: Definition, actions: readonly BranchState[], step: number): boolean {
  const hasSucceeded = (one: number): boolean => actions[one]?.status === 'succeed';
  if (!options.concurrent) return step === 0 || hasSucceeded(step - 1);
  return (orders[step] ?? []).every(hasSucceeded);
}

function at(states: readonly BranchState[], index: number): BranchState {
  const state = states[index];
  if (state === undefined) throw new RangeError(`no op with index ${index}`);
  return state;
}
