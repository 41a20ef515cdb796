import type { EngineOptions } from '@holdfast/core/engine';
import type { ServerConfig } from './options.ts';

/** The engine's part of the configuration. */
export const engineOptionsOf = (config: ServerConfig, node: string, version: string): EngineOptions => ({
  node,
  version,
  heartbeatMs: config.heartbeat,
  silenceMs: config.silence,
  retryIntervalMs: config.retryInterval,
  maxRetryIntervalMs: config.maxRetryInterval,
  timeoutToFailMs: config.timeoutToFail,
  requestTimeoutMs: config.requestTimeout,
  alertAfterRetries: config.alertAfterRetries,
  maxClaims: config.maxClaims,
  maxInProgress: config.maxInProgress,
  maxCallsPerDestination: config.maxCallsPerDestination,
  maxQueuedPerDestination: config.maxQueuedPerDestination,
  maxWaiters: config.maxWaiters,
  maxWatched: config.maxWatched,
  progressFlushMs: config.progressFlush,
  pollMs: config.poll,
  claimBatch: config.claimBatch,
  batchItems: config.batchItems,
  batchBytes: config.batchBytes,
  maxQueuedWrites: config.maxQueuedWrites,
  retentionMs: config.retention,
  groups: config.groups,
  maxWaitMs: config.maxWait,
});
