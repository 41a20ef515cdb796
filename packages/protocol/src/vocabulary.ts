/** The terms of the protocol, one for each thing, the same in code, wire, command line and docs. */

/** How a global transaction is executed (dtm's `trans_type`). */
export const PATTERNS = ['saga', 'tcc', 'xa', 'msg', 'workflow'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** The word for a transaction of a pattern in texts: `msg` is only its name on the wire. */
export const nounOfPattern = (pattern: Pattern): string => (pattern === 'msg' ? 'message' : pattern);

/** Status of a global transaction; `succeed` and `failed` are final. */
export const STATUSES = ['prepared', 'submitted', 'aborting', 'succeed', 'failed'] as const;
export type Status = (typeof STATUSES)[number];

/** True for a status that never changes again. */
export const isFinal = (status: Status): boolean => status === 'succeed' || status === 'failed';

/**
 * The purpose of a call to a branch. `try` is called by the client and never stored; `msg` is the
 * op of a check-back.
 */
export const OPS = ['action', 'compensate', 'try', 'confirm', 'cancel', 'commit', 'rollback', 'msg'] as const;
export type Op = (typeof OPS)[number];

/** Status of one op of a branch. */
export const BRANCH_STATUSES = ['prepared', 'succeed', 'failed'] as const;
export type BranchStatus = (typeof BRANCH_STATUSES)[number];

/** How the branches of a transaction are called, unless their URLs determine it. */
export const BRANCH_PROTOCOLS = ['http', 'json-rpc', 'grpc'] as const;
export type BranchProtocol = (typeof BRANCH_PROTOCOLS)[number];

/** The results of a branch call (protocol page, "Vocabulary"). */
export const RESULTS = ['SUCCESS', 'FAILURE', 'ONGOING', 'UNKNOWN'] as const;
export type ResultKind = (typeof RESULTS)[number];

/** A transaction's key: gids are unique within a namespace. */
export interface TransactionKey {
  readonly namespace: string;
  readonly gid: string;
}

export const DEFAULT_NAMESPACE = 'default';

/** Branch ID of the coordinator's queries (check-back of a message, callback of a workflow). */
export const CHECK_BRANCH_ID = '00';
