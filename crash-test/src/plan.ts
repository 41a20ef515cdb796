import type { Fault } from './fault.ts';

/**
 * What one client will do with one transaction, faults included. Made from a seed before anything
 * runs.
 */
export type Plan = SagaPlan | TccPlan | MessagePlan | WorkflowPlan;

/** What every plan says. */
interface Common {
  readonly number: number;
  /** Used unless the plan asks the coordinator for a fresh gid (and gets one). */
  readonly gid: string;
  readonly freshGid: boolean;
  readonly waitResult: boolean;
  /**
   * Gives up at the first call that is not answered, instead of repeating it: whether it was
   * accepted stays unknown.
   */
  readonly impatient: boolean;
  readonly branches: readonly BranchPlan[];
}

/** One participant of a transaction: an account whose balance changes by `amount`. */
export interface BranchPlan {
  readonly branchId: string;
  readonly account: string;
  readonly amount: number;
  /** Faults by op; an op that is not named behaves. */
  readonly faults: Readonly<Partial<Record<BranchOp, Fault>>>;
}

/** Every op that a branch of this test knows. */
export type BranchOp = 'action' | 'compensate' | 'try' | 'confirm' | 'cancel' | 'rollback';

/**
 * - `plain`: every step succeeds in the end
 * - `refused`: one step is refused
 * - `timeout`: one step never answers success, and the saga has a time-out
 * - `limited`: one step never answers success, and the saga has a retry limit
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
 * - `refused`: one try is refused, so the client aborts
 * - `doubtful`: one try is not answered (done or not), so the client aborts
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
 * - `silent`: the sender never commits, and says nothing
 * - `abort`: the local transaction fails, and the sender says so
 * - `late`: the local commit comes when the coordinator has asked already
 */
export interface MessagePlan extends Common {
  readonly pattern: 'msg';
  readonly flavour: 'submit' | 'direct' | 'dies' | 'silent' | 'abort' | 'late';
  readonly concurrent: boolean;
  /** The sender's own account. */
  readonly sender: { readonly account: string; readonly amount: number };
  /** How the answer to the coordinator's question misbehaves. */
  readonly checkFault: Fault;
}

/**
 * - `plain`: every step succeeds in the end
 * - `refused`: one step is refused
 * - `dies`: the code's first run ends before the step with the index `diesBefore`; a call-back goes
 *   on
 */
export interface WorkflowPlan extends Common {
  readonly pattern: 'workflow';
  readonly flavour: 'plain' | 'refused' | 'dies';
  readonly diesBefore: number;
}

/** The first retry comes after this; the shortest that the wire can say. */
export const RETRY_INTERVAL_S = 1;
/** One call of a branch; `slow` and `late` faults take longer. */
export const REQUEST_TIMEOUT_S = 1;
/**
 * After it a TCC is cancelled, a sender is asked, and a saga of the flavour `timeout` rolls back.
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
