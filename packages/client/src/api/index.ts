/**
 * For packages that provide a coordinator, such as `@holdfast/embed`, and for tools that operate
 * one, such as `@holdfast/cli`: the requests of the SDK, and the SDK's object over them.
 * Applications do not need this.
 */
export { holdfast, type Holdfast } from '../holdfast.ts';
export type { ApiResponse, Api, ApiCall, ApiCalls, InitiatorCall, InitiatorCallResult, ListQuery } from './api.ts';
export { httpApi, type HttpApi } from './http-api.ts';
export { rejectionOf, type RejectedRequest } from './rejection.ts';
export { SDK_FIELDS, type SdkFields } from './field-names.ts';
export { gidOfInput } from './gid-of-input.ts';
export { pause } from './back-off.ts';
export { resumed, type WatchCall, type WatchEnd } from './watching.ts';
export { SHORTEST_REPEAT_MS } from './call-end.ts';
export { RetryBudget } from './retry-budget.ts';
export { exceedsJson } from '../json-size.ts';
export { WorkInProgress } from '../work-in-progress.ts';
export { BranchCaller, type CallCredentials } from './branch-caller.ts';
export { unlessAborted } from './unless-aborted.ts';
export { ErrorResponse } from '../error-response.ts';
export {
  CoordinatorUnreachable,
  DeadlineExceeded,
  RequestRejected,
  type RejectionCode,
  UnexpectedResponse,
} from '../errors.ts';
export type { BarrierHandler, BranchCallContext, BranchHandler } from '../participants/call.ts';
export { behindBarrier } from '../participants/behind-barrier.ts';
export { serveBranch } from '../participants/joined-work.ts';
export type { Barrier } from '../barrier/barrier.ts';
export type { BranchDeclaration } from '../branch-declaration.ts';
export { InitiatorSecrets, type Secrets } from './initiator-secrets.ts';
export { type SigningKeys, signerOfTexts } from './signer-of-texts.ts';
