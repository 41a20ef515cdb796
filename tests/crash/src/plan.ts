import type { Fault } from './fault.ts';

/**
 * What one client will do with one transaction, faults included. Made from a seed before anything
 * runs.
 */
export type Plan = SagaPlan | TccPlan | MessagePlan | WorkflowPlan;

/** The protocol of a call: HTTP, or gRPC as dtm's clients and participants speak it. */
export type Protocol = 'http' | 'grpc';

/** The fields of every plan. */
interface Common {
  readonly number: number;
  /** Used unless the client requests a fresh gid from the coordinator (and receives one). */
  readonly gid: string;
  readonly freshGid: boolean;
  readonly waitResult: boolean;
  /** The protocol of the client's calls to the coordinator; of a workflow, its initiator's. */
  readonly submission: Protocol;
  /**
   * The client stops at the first call without a response instead of repeating it; whether the call
   * was accepted stays unknown.
   */
  readonly impatient: boolean;
  readonly branches: readonly BranchPlan[];
}

/** One participant of a transaction: an account whose balance changes by `amount`. */
export interface BranchPlan {
  readonly branchId: string;
  readonly account: string;
  readonly amount: number;
  /** The protocol by which the participant is called. */
  readonly protocol: Protocol;
  /** Faults by op; an op that is not named behaves. */
  readonly faults: Readonly<Partial<Record<BranchOp, Fault>>>;
}

/** Every op that a branch of this test knows. */
export type BranchOp = 'action' | 'compensate' | 'try' | 'confirm' | 'cancel' | 'rollback';

/**
 * - `plain`: every step succeeds in the end
 * - `refused`: one step returns FAILURE
 * - `timeout`: one step never returns SUCCESS, and the saga has a timeout
 * - `limited`: one step never returns SUCCESS, and the saga has a retry limit
 */
export interface SagaPlan extends Common {
  readonly pattern: 'saga';
  readonly flavour: 'plain' | 'refused' | 'timeout' | 'limited';
  readonly concurrent: boolean;
  /** Step index → indices of the steps before it. Empty unless concurrent. */
  readonly orders: Readonly<Record<string, readonly number[]>>;
}

/**
 * - `submit`, `abort`: the client tries every branch, then decides
 * - `refused`: one try returns FAILURE, so the client aborts
 * - `doubtful`: one try gets no response (done or not), so the client aborts
 * - `dies`: the client stops after `diesAfter` of its calls and is never seen again
 */
export interface TccPlan extends Common {
  readonly pattern: 'tcc';
  readonly flavour: 'submit' | 'abort' | 'refused' | 'doubtful' | 'dies';
  readonly diesAfter: number;
}

/**
 * - `submit`: prepare, local commit, submit
 * - `direct`: submit without a local transaction
 * - `dies`: the sender dies between its local commit and the submit
 * - `silent`: the sender never commits, and makes no further call
 * - `abort`: the local transaction fails, and the sender aborts the message
 * - `late`: the local commit comes after the first check-back
 */
export interface MessagePlan extends Common {
  readonly pattern: 'msg';
  readonly flavour: 'submit' | 'direct' | 'dies' | 'silent' | 'abort' | 'late';
  readonly concurrent: boolean;
  /** The sender's own account. */
  readonly sender: { readonly account: string; readonly amount: number };
  /** The fault of the response to the check-back. */
  readonly checkFault: Fault;
  /** The protocol of the check-back. */
  readonly checkProtocol: Protocol;
}

/**
 * - `plain`: every step succeeds in the end
 * - `refused`: one step returns FAILURE
 * - `dies`: the code's first run ends before the step with the index `diesBefore`; a callback
 *   resumes it
 */
export interface WorkflowPlan extends Common {
  readonly pattern: 'workflow';
  readonly flavour: 'plain' | 'refused' | 'dies';
  readonly diesBefore: number;
  /** The protocol of the callback. */
  readonly callbackProtocol: Protocol;
}

/** The interval before the first retry: the shortest that the wire can express. */
export const RETRY_INTERVAL_S = 1;
/**
 * The longest interval between retries. Well below the patience of a run: on a busy machine each
 * call may time out several times.
 */
export const MAX_RETRY_INTERVAL_S = 4;
/** One call of a branch; `slow` and `late` faults take longer. */
export const REQUEST_TIMEOUT_S = 1;
/**
 * The time after which a TCC is cancelled, a message's sender is checked back, and a saga of the
 * flavour `timeout` rolls back.
 */
export const TIMEOUT_TO_FAIL_S = 3;
/** Of a saga of the flavour `limited`. */
export const RETRY_LIMIT = 2;

/** Whether one that is accepted must roll back (true) or must commit (false). */
export function mustRollBack(plan: SagaPlan | WorkflowPlan): boolean {
  return plan.flavour !== 'plain' && plan.flavour !== 'dies';
}

/** The steps that must have succeeded before a step is called. */
export function stepsBefore(plan: SagaPlan | WorkflowPlan, index: number): readonly number[] {
  if (plan.pattern === 'workflow' || !plan.concurrent) return index === 0 ? [] : [index - 1];
  return plan.orders[String(index)] ?? [];
}
