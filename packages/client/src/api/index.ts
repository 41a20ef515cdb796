/**
 * For those who bring a coordinator of their own, such as `@holdfast/embed`: what the SDK asks of one, and the SDK's object over it. Applications do not
 * need this.
 */
export { holdfast, type Holdfast } from '../holdfast.ts';
export type { Answer, Api, ApiCall, InitiatorCall, InitiatorCallResult, ListQuery } from './api.ts';
export { pause } from './back-off.ts';
export { RetryBudget } from './retry-budget.ts';
export { WorkInProgress } from '../work-in-progress.ts';
export { BranchCaller } from './branch-caller.ts';
export { unlessAborted } from './unless-aborted.ts';
export { CoordinatorUnreachable, RequestRejected, type RejectionCode, UnexpectedAnswer } from '../errors.ts';
export type { BarrierHandler, BranchCallContext, BranchHandler } from '../participants/call.ts';
export { behindBarrier } from '../participants/behind-barrier.ts';
export { serveBranch } from '../participants/joined-work.ts';
export type { Barrier } from '../barrier/barrier.ts';
export type { BranchDeclaration } from '../branch-declaration.ts';
