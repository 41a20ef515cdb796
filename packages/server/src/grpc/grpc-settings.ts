/** Limits of the gRPC server. Every phase of a connection and of a call is bounded. */
export const GRPC_SERVER_SETTINGS = {
  /** Calls in progress over one connection; a client queues further ones. */
  maxConcurrentStreams: 1_000,
  /** Fields of metadata of one call; `HTTP2_LIMITS` bounds their length. */
  maxHeaderListPairs: 128,
  /** Bytes of responses that wait for one client's windows; beyond them, calls are rejected. */
  maxQueuedBytes: 80 * 1024 * 1024,
  /** Bytes for a client that does not read; beyond them, nothing is read from the client. */
  maxUnsentBytes: 256 * 1024,
  /** Bytes that are read from a client after the end of its connection. */
  maxDiscardedBytes: 256 * 1024,
  /** Received bytes of requests that are not complete or wait, over all connections. */
  maxHeldBytes: 256 * 1024 * 1024,
  /** How long a request may take to arrive. */
  requestTimeoutMs: 30_000,
  /** A connection without a frame for the first time must respond to a ping within the second. */
  keepAliveMs: 30_000,
  keepAliveTimeoutMs: 20_000,
  /** Interval at which the two times above are checked. */
  checkMs: 5_000,
} as const;
