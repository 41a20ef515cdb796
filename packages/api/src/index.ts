export * from './coordinator/identities.ts';
export * from './coordinator/start-coordinator.ts';
export * from './admission/admission.ts';
export * from './admission/admitted-coordinator.ts';
export { defined } from './reading/defined.ts';
export { mapInTurns } from './reading/in-turns.ts';
export { type CountBounds, elementsOf, MOST_FIELDS } from './reading/counts.ts';
export { checkJsonBounds } from './reading/json-bounds.ts';
export * from './reading/parse.ts';
export * from './reading/query-reader.ts';
export { ApiV1, type ApiV1Options } from './v1/api-v1.ts';
export type { NodeDescription } from './operations/nodes.ts';
export { hookLog } from './calls/hook-log.ts';
export { type SendEvent, StreamCall } from './calls/stream-call.ts';
export type { AuditEntry, CallHooks, CallRecorder, CallResult, EndOfRecord, NamedCall } from './calls/interceptors.ts';
export { auditPageOf, type AuditQuery } from './audit/audit-pages.ts';
export { AuditBacklog } from './audit/audit-backlog.ts';
export { AuditLog, type AuditLogOptions } from './audit/audit-log.ts';
export { AuditRecorder, type AuditRecorderOptions } from './audit/audit-recorder.ts';
export { SettingsRecord } from './audit/settings-record.ts';
export { type Change, NodeAudit, type NodeAuditOptions } from './audit/node-audit.ts';
export { CHAIN_START, type ChainPoint, readEntry } from './audit/chain.ts';
export { ChainCheck, type ChainVerdict } from './audit/chain-check.ts';
export { rejectCall } from './calls/rejected-input.ts';
export { notStarted, untilDeadline } from './calls/deadline.ts';
export type { AnyInput, CallName, Invoke } from './calls/invoke.ts';
export { V1_NAMES } from './v1/field-names.ts';
export * from './dtm/dtm-service.ts';
export * from './dtm/operations.ts';
export * from './dtm/inputs.ts';
export { DTM_NAMES } from './dtm/field-names.ts';
export * from './dtm/outcome.ts';
export { writeTopics } from './v1/write-topics.ts';
export { passedOn, payloadTextsInPieces, withPayloadTexts } from './v1/json-bytes.ts';
export type { Authenticator, ClientCertificate, Credentials } from './access/authenticator.ts';
export { LONGEST_AUTHORIZATION } from './access/authorization.ts';
export { hasAllNamespaces, NAMESPACE_FIELD, namespaceOf } from './access/namespaces.ts';
export { allows, highestRole } from './access/roles.ts';
export { FailedLogins, type FailedLoginsOptions, type LoginFailure } from './access/failed-logins.ts';
export { type LimitKind, PrincipalLimits, type PrincipalLimitsOptions } from './limits/principal-limits.ts';
export { type Submitted, Unfinished, type UnfinishedOptions } from './limits/unfinished.ts';
export {
  bootstrap,
  BOOTSTRAP_ID,
  bootstrapTextOf,
  newBootstrapText,
  type RecordFirstToken,
  warnWithoutAdmin,
} from './access/tokens/bootstrap.ts';
export { TokenAuthenticator, TOKEN_CHANGE_MS } from './access/tokens/token-authenticator.ts';
export { TokenBook, type TokenGrant, type TokenStore } from './access/tokens/token-book.ts';
export { newTokenText, parseTokenText } from './access/tokens/token-text.ts';
