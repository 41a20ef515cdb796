import type { ServerOptions } from 'node:http';

/**
 * The settings of the HTTP server that determine the coordinator's speed and safety. The
 * benchmark's ceiling program uses the same.
 */

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
