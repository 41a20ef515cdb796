import type { ServerOptions } from 'node:http';
import type { Pool } from 'undici';

/**
 * The HTTP settings that decide how fast and how safe the coordinator is, in one place: the server, the branch caller and the benchmark's
 * ceiling program (the same HTTP work with no engine and no store) all use these.
 */

/**
 * One pool an origin. Time-outs of a call are the caller's (they cover queueing and connecting too), so undici's own are off. More connections cost
 * more than they bring: 64 callers are as fast over 16 as over 256, and 256 callers are faster over 128.
 */
export const HTTP_CLIENT_SETTINGS = {
  connections: 128,
  pipelining: 1,
  headersTimeout: 0,
  bodyTimeout: 0,
  connectTimeout: 5_000,
  /** Shorter than what servers keep an idle connection for (Node and uvicorn 5 s), so that we let go first. */
  keepAliveTimeout: 4_000,
  keepAliveMaxTimeout: 30_000,
  maxHeaderSize: 16 * 1024,
} as const satisfies Pool.Options;

/** `node:http` server: every phase of a request has an end, so that a slow sender cannot hold a connection. */
export const HTTP_SERVER_SETTINGS = {
  keepAlive: true,
  noDelay: true,
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  /** Longer than clients keep an idle connection, so that they let go first. */
  keepAliveTimeout: 75_000,
} as const satisfies ServerOptions;

/** Settings of a server that are not constructor options. */
export const HTTP_SERVER_LIMITS = {
  maxHeadersCount: 100,
  maxConnections: 20_000,
} as const;
