import { z } from 'zod';

/** More than any node can serve. */
const most = z.number().int().min(0).max(1_000_000_000).optional();

/**
 * The limits of one API token (`CallerLimits`), per node. They take precedence over those of the
 * configuration; 0: unlimited.
 */
export const tokenLimits = z.object({
  requestsPerSecond: most,
  /** Requests at once; by default those of one second. */
  burst: most,
  /** Bytes of request bodies. */
  bytesPerSecond: most,
  /** Unfinished transactions. */
  inFlight: most,
});
/** `tokenLimits` of a request. */
export const tokenLimitsRequest = z.strictObject(tokenLimits.shape);
export type TokenLimits = z.infer<typeof tokenLimits>;
