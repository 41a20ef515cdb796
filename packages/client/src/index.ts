export { connect } from './connect.ts';
export type { Holdfast } from './holdfast.ts';
export type { ListQuery } from './api/api.ts';
export type { CallOptions, ClientTls, ConnectOptions, SubmitOptions, WaitOptions, WatchOptions } from './options.ts';
export type { Saga, SagaOptions, SagaStep } from './saga.ts';
export type { Tcc, TccBranch, TccOptions } from './tcc.ts';
export type { TwoPhaseOptions } from './first-phase.ts';
export type { Xa, XaBranch, XaOptions } from './xa.ts';
export * from './workflow/index.ts';
export type { Message, MessageOptions, MessageStepRest } from './message.ts';
export type { Topics } from './topics.ts';
export type { BranchCallOptions, TransactionOptions } from './transaction-options.ts';
export { type BranchDeclaration, type BranchTarget, declareBranch, type WithPayload } from './branch-declaration.ts';
export { branchUrl, currentBranch } from './participants/branch-context.ts';
export type {
  BarrierHandler,
  BranchCallContext,
  BranchHandler,
  BranchOptions,
  ServeOptions,
} from './participants/call.ts';
export {
  CallNotVerified,
  type CallVerifier,
  grpcTarget,
  parseCallId,
  type ReceivedCall,
  type ReplayStore,
  type StatedSignature,
  type VerifyOptions,
} from '@holdfast/protocol/signing';
export { createCallVerifier } from './participants/verified-call.ts';
export type { Secrets } from './api/initiator-secrets.ts';
export type { SigningKeys } from './api/signer-of-texts.ts';
export { newGid } from './gid.ts';
export { ErrorResponse } from './error-response.ts';
export {
  BranchUnknown,
  CoordinatorUnreachable,
  DeadlineExceeded,
  RequestRejected,
  TransactionFailed,
  TransactionStopped,
  TransactionPending,
  UnexpectedResponse,
  type HoldfastClientError,
  type ReadDetails,
  type RejectionCode,
} from './errors.ts';
export {
  type Barrier,
  type BarrierOutcome,
  type BranchKey,
  CommitUnknown,
  LocalTransactionRefused,
} from './barrier/barrier.ts';
export type { JsonResult, ResultOptions } from './result-types.ts';
export { createBarrier, type DatabaseBarrier } from './barrier/create-barrier.ts';
export type { BarrierDialect, BarrierPurge, BarrierRow } from './barrier/dialect.ts';
export { BarrierResultUnavailable, BarrierUnusable, BarrierUseUnclear, TransactionEnded } from './barrier/errors.ts';
export { BranchFailure, BranchOngoing } from '@holdfast/protocol';
export type {
  BranchDetails,
  Op,
  Pattern,
  Status,
  TopicPage,
  TimelineLine,
  TransactionDetails,
  TransactionPage,
  TransactionSummary,
} from '@holdfast/protocol';
