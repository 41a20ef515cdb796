/** Options that sagas and messages share. What is left out takes the coordinator's default. */
export interface TransactionOptions {
  /** First pause before a call is repeated; it doubles, up to the coordinator's cap. */
  readonly retryIntervalMs?: number;
  /** How long one call of a branch may take. */
  readonly requestTimeoutMs?: number;
  /** Sent with every call of a branch. */
  readonly branchHeaders?: Readonly<Record<string, string>>;
}

/** Options as the wire takes them. */
export const wireOptions = <T extends TransactionOptions>({ branchHeaders, ...options }: T) => ({
  ...options,
  ...(branchHeaders === undefined ? {} : { branchHeaders: { ...branchHeaders } }),
});
