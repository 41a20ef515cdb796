/** What an operator may set; every value has a default that suits most. */
export interface EngineOptions {
  /** Where it runs, for people. */
  readonly node: string;
  readonly version: string;
  /** A node says that it lives every so often. */
  readonly heartbeatMs: number;
  /** Work of a node silent for longer is taken over. At least two heartbeats. */
  readonly silenceMs: number;
  /** First interval between attempts when the transaction does not say (protocol page, "Retry schedule"). */
  readonly retryIntervalMs: number;
  /** The back-off's cap. */
  readonly maxRetryIntervalMs: number;
  /** After so long a prepared tcc or xa is aborted and a prepared message is checked, when the transaction does not say. */
  readonly timeoutToFailMs: number;
  /** Time-out of one branch call when the transaction does not say. */
  readonly requestTimeoutMs: number;
  /** Retries of one transaction after which it needs a person. */
  readonly alertAfterRetries: number;
  /** Claims without progress after which a transaction is parked. */
  readonly maxClaims: number;
  /** Transactions driven at once; beyond it new work queues in the store. */
  readonly maxInProgress: number;
  /** Calls running at once to one destination, and transactions whose calls wait in memory for one. */
  readonly maxCallsPerDestination: number;
  readonly maxQueuedPerDestination: number;
  /** Callers waiting for results at once. */
  readonly maxWaiters: number;
  /** Progress is written at the latest after so long. */
  readonly progressFlushMs: number;
  /** The store is asked for due work at least so often. */
  readonly pollMs: number;
  readonly claimBatch: number;
  /** Bounds of one batch of writes. */
  readonly batchItems: number;
  readonly batchBytes: number;
  /** Writes waiting for the store; beyond it new transactions are refused as `overloaded`. */
  readonly maxQueuedWrites: number;
  /** Finished transactions are deleted after so long; 0: never. */
  readonly retentionMs: number;
  /** Application groups hosted by this node (transactions with `local://` branches). */
  readonly groups: readonly string[];
  /** Longest wait of one call for a result. */
  readonly maxWaitMs: number;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  node: 'node',
  version: '0.0.0',
  heartbeatMs: 5_000,
  silenceMs: 15_000,
  retryIntervalMs: 10_000,
  maxRetryIntervalMs: 60_000,
  timeoutToFailMs: 35_000,
  requestTimeoutMs: 3_000,
  alertAfterRetries: 3,
  maxClaims: 5,
  maxInProgress: 10_000,
  maxCallsPerDestination: 512,
  maxQueuedPerDestination: 2_048,
  maxWaiters: 20_000,
  progressFlushMs: 1_000,
  pollMs: 1_000,
  claimBatch: 200,
  batchItems: 1_000,
  batchBytes: 8 * 1024 * 1024,
  maxQueuedWrites: 50_000,
  retentionMs: 7 * 24 * 3_600_000,
  groups: [],
  maxWaitMs: 60_000,
};
