import type { ServerOptions } from 'node:http';
import type { HttpPoolSettings } from './http1/http-pool.ts';

/**
 * The HTTP settings that determine the coordinator's speed and safety. The benchmark's ceiling
 * program uses the same.
 */

/**
 * Settings of the pool of one origin. The coordinator replaces `connections` by the number of calls
 * that may run to one destination at once (`clientSettings`), so that a call never waits here.
 */
export const HTTP_CLIENT_SETTINGS = {
  connections: 128,
  connectTimeoutMs: 5_000,
  /**
   * Shorter than the idle timeout of servers (Node and uvicorn 5 s), so that this side closes
   * first.
   */
  idleMs: 4_000,
  maxIdleMs: 30_000,
} as const satisfies HttpPoolSettings;

/**
 * `node:http` server: every phase of a request has a timeout, so that a slow sender cannot hold a
 * connection.
 */
export const HTTP_SERVER_SETTINGS = {
  keepAlive: true,
  noDelay: true,
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  /** Longer than the idle timeout of clients, so that they close first. */
  keepAliveTimeout: 75_000,
} as const satisfies ServerOptions;

/** Settings of a server that are not constructor options. */
export const HTTP_SERVER_LIMITS = {
  maxHeadersCount: 100,
  maxConnections: 20_000,
} as const;
