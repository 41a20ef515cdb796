import type { Logger } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { Bucket } from '../limits/bucket.ts';
import type { Credentials } from './authenticator.ts';

/**
 * Why a request was not authenticated. `rejected`: an unknown token, or a wrong secret; `replaced`:
 * a secret that a rotation has replaced; `unchecked`: its address sends too many wrong credentials.
 */
export type LoginFailure = 'missing' | 'malformed' | 'rejected' | 'replaced' | 'expired' | 'revoked' | 'unchecked';

export interface FailedLoginsOptions {
  readonly logger: Pick<Logger, 'warn'>;
  /** Called with each failure. */
  readonly onFailure?: (reason: LoginFailure) => void;
  /** Milliseconds of a monotonic clock. */
  readonly nowMs?: () => number;
}

/** Addresses that are remembered; the least recent one gives way. */
const MOST_ADDRESSES = 10_000;
/** Failures that are responded to at once. */
const FREE_FAILURES = 5;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;
/** An address is forgotten after this time without a failure. */
const FORGOTTEN_MS = 60_000;
/**
 * Responses that are held back at once. Each takes some KB, and a caller whose response is held
 * back sends nothing else over its connection; further ones cost as much as they can send.
 */
const MOST_HELD = 5_000;
/** Costly checks, such as of signatures, per second for an address after failures. */
const CHECKS_PER_SECOND = 500;
const QUIET_MS = 60_000;

interface FailingAddress {
  readonly failures: number;
  readonly lastMs: number;
  /** What may be checked of it; undefined: nothing was since its failures. */
  checks: Bucket | undefined;
}

const tooMany = (): HoldfastError =>
  new HoldfastError('too_many_requests', 'too many requests with wrong credentials; repeat the request later', {
    retryAfterMs: 1_000,
  });

/**
 * Slows down callers that fail to authenticate: the response to each further failure from one
 * address is held back for longer. A valid token is never held back, so that a stranger behind the
 * same proxy, or a service with an old token, does not delay others.
 */
export class FailedLogins {
  readonly #addresses = new Map<string, FailingAddress>();
  readonly #options: FailedLoginsOptions;
  readonly #nowMs: () => number;
  #held = 0;
  #times = 0;
  #quietUntilMs = -Infinity;

  constructor(options: FailedLoginsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Records a failure. Returns how long its response is held back, in ms; undefined: too many
   * responses are held back already.
   */
  failed(reason: LoginFailure, address = ''): number | undefined {
    this.#options.onFailure?.(reason);
    this.#log(reason, address);
    // Without credentials nothing was tried; probes and browsers send such requests.
    if (reason === 'missing') return 0;
    const nowMs = this.#nowMs();
    const known = this.#known(address, nowMs);
    const failures = (known?.failures ?? 0) + 1;
    this.#addresses.delete(address);
    this.#addresses.set(address, { failures, lastMs: nowMs, checks: known?.checks });
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > MOST_ADDRESSES && oldest !== undefined) this.#addresses.delete(oldest);
    return this.#holdMs(failures);
  }

  /** Whether credentials from this address may be checked now, if that is costly. */
  mayCheck(address = ''): boolean {
    const nowMs = this.#nowMs();
    const known = this.#known(address, nowMs);
    if (known === undefined || known.failures <= FREE_FAILURES) return true;
    known.checks ??= new Bucket(CHECKS_PER_SECOND, CHECKS_PER_SECOND, nowMs);
    if (known.checks.waitMs(1, nowMs) > 0) return false;
    known.checks.charge(1);
    return true;
  }

  /** Holds back the response to unchecked credentials. Rejects with `too_many_requests`. */
  async rejectUnchecked({ remoteAddress = '' }: Credentials): Promise<never> {
    this.#options.onFailure?.('unchecked');
    this.#log('unchecked', remoteAddress);
    const holdMs = this.#holdMs(this.#known(remoteAddress, this.#nowMs())?.failures ?? 0) ?? 0;
    if (holdMs > 0) await this.hold(holdMs);
    throw tooMany();
  }

  #known(address: string, nowMs: number): FailingAddress | undefined {
    const known = this.#addresses.get(address);
    return known === undefined || nowMs - known.lastMs > FORGOTTEN_MS ? undefined : known;
  }

  #holdMs(failures: number): number | undefined {
    if (failures <= FREE_FAILURES) return 0;
    if (this.#held >= MOST_HELD) return undefined;
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - FREE_FAILURES - 1, 10));
  }

  /**
   * Records a failure and holds back its response. Rejects with `unauthenticated` and the message,
   * or with `too_many_requests`.
   */
  async reject(reason: LoginFailure, message: string, from: Credentials): Promise<never> {
    if (from.isInProgress === true) throw new HoldfastError('unauthenticated', message);
    const holdMs = this.failed(reason, from.remoteAddress);
    if (holdMs === undefined) throw tooMany();
    if (holdMs > 0) await this.hold(holdMs);
    throw new HoldfastError('unauthenticated', message);
  }

  /** Resolves after a time that `failed` returned. */
  async hold(ms: number): Promise<void> {
    this.#held++;
    await new Promise((resolve) => setTimeout(resolve, ms).unref());
    this.#held--;
  }

  /** Logs failures at most once per minute, with their number until then. */
  #log(reason: LoginFailure, address: string): void {
    this.#times++;
    const nowMs = this.#nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + QUIET_MS;
    this.#options.logger.warn(
      { times: this.#times, reason, address },
      'requests without valid credentials were rejected; reason and address are those of the last one',
    );
    this.#times = 0;
  }
}
