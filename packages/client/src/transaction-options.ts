/** Options that all patterns share. Omitted options take the coordinator's default. */
export interface TransactionOptions {
  /** First pause before a call is repeated; it doubles, up to the coordinator's cap. */
  readonly retryIntervalMs?: number;
  /** How long one call of a branch may take. */
  readonly requestTimeoutMs?: number;
  /** Sent with every call of a branch. */
  readonly branchHeaders?: Readonly<Record<string, string>>;
}

/**
 * Default timeout of a call that the initiator makes itself, in ms; equal to the coordinator's
 * default.
 */
export const DEFAULT_BRANCH_TIMEOUT_MS = 3_000;

/** Options of one branch. */
export interface BranchCallOptions {
  /** How long one call of this branch may take; default: the transaction's. */
  readonly requestTimeoutMs?: number;
}

/** The options in the form of the wire. */
export const wireOptions = <T extends TransactionOptions>({ branchHeaders, ...options }: T) => ({
  ...options,
  ...(branchHeaders === undefined ? {} : { branchHeaders: { ...branchHeaders } }),
});
