import type { Pattern } from '@holdfast/protocol';

/** One branch as its client thinks of it. */
export interface BranchPlan {
  readonly branchId: string;
  readonly service: string;
  /** Its forward op is refused for a business reason: FAILURE, every time. */
  readonly refuses: boolean;
  /** Saga: it has nothing to undo, so its compensation has no URL. */
  readonly lasting: boolean;
  /** Registered while the client already decides; its try is never called. */
  readonly late: boolean;
  /** Message: the topic it hears of, in place of a URL of its own. */
  readonly topic?: string;
}

interface CommonPlan {
  readonly branches: readonly BranchPlan[];
  readonly waitResult: boolean;
  readonly timeoutToFailMs: number;
  readonly retryIntervalMs: number;
  readonly requestTimeoutMs: number;
  /** The client's process ends after so many of its own steps; Infinity: never. */
  readonly diesAfter: number;
  /** A call of this branch kills the node that makes it. */
  readonly killer?: string;
}

export interface SagaPlan extends CommonPlan {
  readonly pattern: 'saga';
  /** Its branches are functions of an application, which only some nodes host. */
  readonly local: boolean;
  readonly concurrent: boolean;
  readonly orders: Readonly<Record<number, readonly number[]>>;
  readonly retryLimit: number;
  /** Clients that submit the same at the same time. */
  readonly clients: number;
}

export interface TwoPhasePlan extends CommonPlan {
  readonly pattern: 'tcc' | 'xa';
  /** The client changes its mind although everything went well. */
  readonly givesUp: boolean;
  /** Two parts of the client decide at the same time, and not alike. */
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

/** How the ops of a pattern are called; `register` ones are stored by registration. */
export interface Ops {
  readonly forward: string;
  /** Confirms what was done forward; empty when forward is all there is. */
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

/** Where a branch is called. A participant knows by it for whom the URL was made. */
export const urlOf = (plan: Plan, service: string, gid: string, branchId: string, op: string): string => {
  const scheme = plan.pattern === 'saga' && plan.local ? `local://${GROUP}` : 'http:/';
  return `${scheme}/${service}/${gid}/${branchId}/${op}`;
};
