/** The engine's options; each has a default suitable for most installations. */
export interface EngineOptions {
  /** Display name of this node. */
  readonly node: string;
  readonly version: string;
  /** Interval between heartbeats. */
  readonly heartbeatMs: number;
  /**
   * Time without a heartbeat after which a node's work is taken over. At least two heartbeat
   * intervals.
   */
  readonly silenceMs: number;
  /**
   * First interval between attempts, unless the transaction specifies it (protocol page, "Retry
   * schedule").
   */
  readonly retryIntervalMs: number;
  /** The longest interval that backoff reaches. */
  readonly maxRetryIntervalMs: number;
  /**
   * Time after which a prepared tcc or xa is aborted and a prepared message is checked, unless the
   * transaction specifies it.
   */
  readonly timeoutToFailMs: number;
  /** Timeout of one branch call, unless the transaction specifies it. */
  readonly requestTimeoutMs: number;
  /** Number of retries after which a transaction needs operator attention. */
  readonly alertAfterRetries: number;
  /** Claims without progress after which a transaction is parked. */
  readonly maxClaims: number;
  /** Maximum number of transactions in progress; further work waits in the store. */
  readonly maxInProgress: number;
  /**
   * Calls running at once to one destination, and transactions whose calls wait in memory for it.
   */
  readonly maxCallsPerDestination: number;
  readonly maxQueuedPerDestination: number;
  /** Maximum number of callers waiting for results. */
  readonly maxWaiters: number;
  /** Maximum number of transactions that callers watch, each counted once for each caller. */
  readonly maxWatched: number;
  /** Time after which progress is written at the latest. */
  readonly progressFlushMs: number;
  /** Longest interval between queries for due work. */
  readonly pollMs: number;
  readonly claimBatch: number;
  /** Limits of one batch of writes. */
  readonly batchItems: number;
  readonly batchBytes: number;
  /**
   * Maximum number of writes waiting for the store; beyond it, new transactions are rejected as
   * `overloaded`.
   */
  readonly maxQueuedWrites: number;
  /** How long finished transactions are kept; 0 keeps them forever. */
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
  maxCallsPerDestination: 128,
  maxQueuedPerDestination: 2_048,
  maxWaiters: 20_000,
  maxWatched: 20_000,
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
