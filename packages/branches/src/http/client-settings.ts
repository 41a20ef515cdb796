import type { HttpPoolSettings } from '../http1/http-pool.ts';

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
