import { type CallerLimits, HoldfastError, isAnonymous, type Principal } from '@holdfast/protocol';
import { Bucket } from './bucket.ts';

/** What limits a caller. */
export type LimitKind = 'rate' | 'bytes' | 'in_flight';

export interface PrincipalLimitsOptions {
  /** The limits of principals without separate ones. */
  readonly defaults: CallerLimits;
  /** Called with each rejection. */
  readonly onLimited?: (limit: LimitKind) => void;
  /** Milliseconds of a monotonic clock. */
  readonly nowMs?: () => number;
}

/** Principals that are remembered. The least recent one gives way, with its buckets. */
const MOST_PRINCIPALS = 10_000;

/**
 * The limits that apply to a principal: its limits take precedence over the defaults. The burst of
 * the defaults does not apply to its rate: it could be a thousand times as high.
 */
export function limitsOf(defaults: CallerLimits, { limits }: Principal): CallerLimits {
  if (limits === undefined) return defaults;
  const { burst } = limits.requestsPerSecond === undefined ? defaults : {};
  return { ...defaults, burst, ...limits };
}

/** Whether nothing is limited. */
export const isUnlimited = ({ requestsPerSecond, bytesPerSecond, inFlight }: CallerLimits): boolean =>
  !requestsPerSecond && !bytesPerSecond && !inFlight;

interface Account {
  /** The limits that the buckets were made for. */
  readonly limits: CallerLimits;
  readonly requests: Bucket | undefined;
  readonly bytes: Bucket | undefined;
}

/**
 * Bounds the requests and the bytes that each principal sends to this node per second. Anonymous
 * callers have no limits: nothing distinguishes them. A rejected request takes nothing, so that a
 * caller that repeats too early is served as soon as one that waits.
 */
export class PrincipalLimits {
  readonly #options: PrincipalLimitsOptions;
  readonly #hasDefaults: boolean;
  readonly #nowMs: () => number;
  readonly #accounts = new Map<string, Account>();

  constructor(options: PrincipalLimitsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    const { requestsPerSecond, bytesPerSecond } = options.defaults;
    this.#hasDefaults = !isUnlimited({ requestsPerSecond, bytesPerSecond });
  }

  /**
   * Counts a request, before anything else is done for it.
   *
   * @param bytes the length of its body, if it is known by now
   * @throws {HoldfastError} `too_many_requests`, with the time after which to repeat the request
   */
  admit(principal: Principal, bytes = 0): void {
    const account = this.#accountOf(principal);
    if (account === undefined) return;
    const nowMs = this.#nowMs();
    const { limits } = account;
    const bytesWaitMs = account.bytes?.waitMs(1, nowMs) ?? 0;
    if (bytesWaitMs > 0) throw this.#tooMany('bytes', `${limits.bytesPerSecond} bytes`, bytesWaitMs);
    const waitMs = account.requests?.waitMs(1, nowMs) ?? 0;
    if (waitMs > 0) throw this.#tooMany('rate', `${limits.requestsPerSecond} requests`, waitMs);
    account.requests?.charge(1);
    account.bytes?.charge(bytes);
  }

  /** Counts bytes of a body whose length was not known before. Those that follow pay for them. */
  received(principal: Principal, bytes: number): void {
    this.#accountOf(principal)?.bytes?.charge(bytes);
  }

  #accountOf(principal: Principal): Account | undefined {
    if (principal.limits === undefined && !this.#hasDefaults) return undefined;
    if (isAnonymous(principal)) return undefined;
    const limits = limitsOf(this.#options.defaults, principal);
    const known = this.#accounts.get(principal.id);
    const account = known !== undefined && sameLimits(known.limits, limits) ? known : this.#made(limits);
    // The map is in the order of use.
    this.#accounts.delete(principal.id);
    this.#accounts.set(principal.id, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > MOST_PRINCIPALS && oldest !== undefined) this.#accounts.delete(oldest);
    return account;
  }

  #made(limits: CallerLimits): Account {
    const nowMs = this.#nowMs();
    const { requestsPerSecond = 0, burst = 0, bytesPerSecond = 0 } = limits;
    const size = Math.max(1, burst || requestsPerSecond);
    return {
      limits,
      requests: requestsPerSecond > 0 ? new Bucket(requestsPerSecond, size, nowMs) : undefined,
      bytes: bytesPerSecond > 0 ? new Bucket(bytesPerSecond, bytesPerSecond, nowMs) : undefined,
    };
  }

  #tooMany(limit: LimitKind, allowed: string, retryAfterMs: number): HoldfastError {
    this.#options.onLimited?.(limit);
    return new HoldfastError(
      'too_many_requests',
      `the caller may send ${allowed} per second to this node; repeat the request in ${retryAfterMs} ms`,
      { retryAfterMs },
    );
  }
}

const sameLimits = (a: CallerLimits, b: CallerLimits): boolean =>
  a === b ||
  (a.requestsPerSecond === b.requestsPerSecond && a.burst === b.burst && a.bytesPerSecond === b.bytesPerSecond);
