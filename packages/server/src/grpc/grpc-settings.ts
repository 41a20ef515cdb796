/** Limits of the gRPC server. Every phase of a connection and of a call is bounded. */
export const GRPC_SERVER_SETTINGS = {
  /** Calls in progress over one connection; a client queues further ones. */
  maxConcurrentStreams: 1_000,
  /** Fields of metadata of one call; nghttp2 bounds their length at 64 KB. */
  maxHeaderListPairs: 128,
  /** Frames that nghttp2 may hold per connection, in MB; beyond it, new calls are rejected. */
  maxSessionMemoryMb: 16,
  /** Frames in error, and calls beyond the limit, until a connection is closed. */
  maxInvalidFrames: 100,
  maxRejectedStreams: 100,
  /** Received bytes of messages that are not complete, over all connections. */
  maxHeldBytes: 256 * 1024 * 1024,
  /** How long a request may take to arrive. */
  requestTimeoutMs: 30_000,
  /** A connection without a frame for the first time must respond to a ping within the second. */
  keepAliveMs: 30_000,
  keepAliveTimeoutMs: 20_000,
  /** Interval at which the two times above are checked. */
  checkMs: 5_000,
} as const;
