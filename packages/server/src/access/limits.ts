import { PrincipalLimits, Unfinished } from '@holdfast/api';
import type { Store } from '@holdfast/core/store';
import type { CallerLimits } from '@holdfast/protocol';
import { ConfigError } from '../config/config-error.ts';
import { flagOf, type ServerConfig } from '../config/options.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';

const OPTIONS = ['principalRate', 'principalBurst', 'principalBytes', 'principalInFlight'] as const;

/** What bounds the callers of a node that authenticates them. */
export interface Limits {
  readonly principals: PrincipalLimits;
  readonly unfinished: Unfinished;
}

/**
 * The limits of principals; undefined if callers are not authenticated, so that none has limits.
 *
 * @throws {ConfigError} if limits are configured that could not apply to any caller
 */
export function limitsOf(
  config: ServerConfig,
  isProtected: boolean,
  { store, metrics }: { readonly store: Store; readonly metrics: ServerMetrics },
): Limits | undefined {
  const configured = OPTIONS.find((name) => config[name] > 0);
  if (!isProtected) {
    if (configured === undefined) return undefined;
    throw new ConfigError(
      `${flagOf(configured)} has no effect on callers that are not authenticated; add --auth or --tls-principals`,
      configured,
    );
  }
  const { principalRate, principalBurst, principalBytes, principalInFlight } = config;
  if (principalBurst > 0 && principalRate === 0)
    throw new ConfigError('--principal-burst has no effect without --principal-rate; specify both', 'principalBurst');
  const defaults: CallerLimits = {
    requestsPerSecond: principalRate,
    burst: principalBurst,
    bytesPerSecond: principalBytes,
    inFlight: principalInFlight,
  };
  const onLimited = (limit: string): void => metrics.limited(limit);
  return {
    principals: new PrincipalLimits({ defaults, onLimited }),
    unfinished: new Unfinished({ defaults, onLimited, store }),
  };
}
