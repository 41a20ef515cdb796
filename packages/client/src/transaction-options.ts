/** Options that all patterns share. What is left out takes the coordinator's default. */
export interface TransactionOptions {
  /** First pause before a call is repeated; it doubles, up to the coordinator's cap. */
  readonly retryIntervalMs?: number;
  /** How long one call of a branch may take. */
  readonly requestTimeoutMs?: number;
  /** Sent with every call of a branch. */
  readonly branchHeaders?: Readonly<Record<string, string>>;
}

/** How long a call may take that the initiator makes itself, unless said; the coordinator's own default is the same. */
export const DEFAULT_BRANCH_TIMEOUT_MS = 3_000;

/** Options of one branch. */
export interface BranchCallOptions {
  /** How long one call of this branch may take; default: the transaction's. */
  readonly requestTimeoutMs?: number;
}

/** Options as the wire takes them. */
export const wireOptions = <T extends TransactionOptions>({ branchHeaders, ...options }: T) => ({
  ...options,
  ...(branchHeaders === undefined ? {} : { branchHeaders: { ...branchHeaders } }),
});
