import type { Pattern } from '@holdfast/protocol';

/** One branch in the client's plan. */
export interface BranchPlan {
  readonly branchId: string;
  readonly service: string;
  /** Its forward op is rejected for a business reason: FAILURE, every time. */
  readonly refuses: boolean;
  /** Saga: there is nothing to undo, so its compensation has no URL. */
  readonly lasting: boolean;
  /** Registered while the client already decides; its try is never called. */
  readonly late: boolean;
  /** Message: URL of the subscriber to a topic, used instead of a URL of this branch. */
  readonly topic?: string;
}

interface CommonPlan {
  readonly branches: readonly BranchPlan[];
  readonly waitResult: boolean;
  readonly timeoutToFailMs: number;
  readonly retryIntervalMs: number;
  readonly requestTimeoutMs: number;
  /** The client's process ends after this number of actions; Infinity: never. */
  readonly diesAfter: number;
  /** A call of this branch kills the node that makes it. */
  readonly killer?: string;
}

export interface SagaPlan extends CommonPlan {
  readonly pattern: 'saga';
  /** Whether its branches are functions of an application that only some nodes host. */
  readonly local: boolean;
  readonly concurrent: boolean;
  readonly orders: Readonly<Record<number, readonly number[]>>;
  readonly retryLimit: number;
  /** Number of clients that submit the same content concurrently. */
  readonly clients: number;
}

export interface TwoPhasePlan extends CommonPlan {
  readonly pattern: 'tcc' | 'xa';
  /** The client aborts although everything succeeded. */
  readonly abandons: boolean;
  /** Two parts of the client decide differently at the same time. */
  readonly confused: boolean;
}

export interface MessagePlan extends CommonPlan {
  readonly pattern: 'msg';
  readonly concurrent: boolean;
  readonly delayMs: number;
  /** Submitted without being prepared: there is no local transaction. */
  readonly direct: boolean;
  readonly commits: boolean;
}

export interface WorkflowPlan extends CommonPlan {
  readonly pattern: 'workflow';
  readonly name: string;
}

export type Plan = SagaPlan | TwoPhasePlan | MessagePlan | WorkflowPlan;

/** The ops of a pattern. */
export interface Ops {
  readonly forward: string;
  /** Confirms the forward op; empty if there is no second phase. */
  readonly confirm: string;
  readonly undo: string;
}

export const OPS_OF: Readonly<Record<Pattern, Ops>> = {
  saga: { forward: 'action', confirm: '', undo: 'compensate' },
  tcc: { forward: 'try', confirm: 'confirm', undo: 'cancel' },
  xa: { forward: 'action', confirm: 'commit', undo: 'rollback' },
  msg: { forward: 'action', confirm: '', undo: '' },
  workflow: { forward: 'action', confirm: '', undo: 'rollback' },
};

/** Steps that must have run before this one starts. */
export function stepsBefore(plan: Plan, index: number): readonly number[] {
  if (plan.pattern !== 'saga' && plan.pattern !== 'msg') return [];
  if (!plan.concurrent) return Array.from({ length: index }, (_, i) => i);
  return plan.pattern === 'saga' ? (plan.orders[index] ?? []) : [];
}

/** The application whose functions some sagas call. */
export const GROUP = 'shop';

/** Whether a node hosts that application, by the name of the node or of its session. */
export const hosts = (name: string): boolean => name.startsWith('A');

/** The URL of a branch; it identifies the branch for the participant. */
export const urlOf = (plan: Plan, service: string, gid: string, branchId: string, op: string): string => {
  const scheme = plan.pattern === 'saga' && plan.local ? `local://${GROUP}` : 'http:/';
  return `${scheme}/${service}/${gid}/${branchId}/${op}`;
};
